"""The ranking of variants: critical-difference diagram, and Dice against the paper's."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import INK, SOFT, WIDTH, Look
from benchmark.statistics.resampling import LEVEL
from benchmark.statistics.significance import corrected, critical_difference

ROW_INCHES = 0.2


def critical_difference_diagram(
    mean_ranks: "pd.Series[float]", tests: pd.DataFrame, subjects: int, looks: Mapping[str, Look]
) -> Figure:
    """Draw mean ranks; a bar joins variants that Holm-corrected signed-rank tests don't tell apart.

    Args:
        mean_ranks: Over subjects, by variant.
        tests: Of `benchmark.statistics.significance.paired_tests`.
        subjects: How many were ranked, for the ruler of Nemenyi's critical difference.
        looks: Of the variants.
    """
    figure, axes = plt.subplots(layout="constrained")
    labels = {variant: looks[variant].label for variant in mean_ranks.index}
    drawn = scikit_posthocs.critical_difference_diagram(
        mean_ranks.rename(labels),
        p_matrix(tests, list(mean_ranks.index)).rename(index=labels, columns=labels),
        alpha=LEVEL,
        ax=axes,
        label_fmt_left="{label} ({rank:.2f})  ",  # which keeps the elbow off the name
        label_fmt_right="  ({rank:.2f}) {label}",
        label_props={"fontsize": 8},
        elbow_props={"linewidth": 1.1},
        crossbar_props={"color": INK, "linewidth": 2.4},
        color_palette={labels[variant]: looks[variant].colour for variant in mean_ranks.index},
        text_h_margin=0.02 * (len(mean_ranks) - 1),
    )
    for (bar,) in drawn["crossbars"]:  # which runs through its networks in the order of a set, another in each process
        bar.set_xdata(sorted(bar.get_xdata()))
    for dots in axes.collections:  # half of one at the edge would be cut
        dots.set_clip_on(False)
    for text in axes.texts:  # pale networks are read by their lines
        text.set_color(INK)
    axes.spines["top"].set_visible(True)
    axes.set_xlim(1, len(mean_ranks))
    axes.set_xticks(range(1, len(mean_ranks) + 1))
    _add_ruler(axes, float(mean_ranks.min()), critical_difference(len(mean_ranks), subjects))
    figure.set_size_inches(WIDTH, ROW_INCHES * float(np.ptp(axes.get_ylim())))
    return figure


def _add_ruler(axes: Axes, start: float, length: float) -> None:
    """Draw a length above the axis of ranks and its numbers."""
    axes.plot([start, start + length], [2, 2], "|-", color=SOFT, linewidth=1, markersize=6)
    axes.annotate(
        f"CD = {length:.2f}", (start + length, 2), (6, 0), textcoords="offset points", va="center", fontsize=8
    )
    axes.set_ylim(top=2.6)


def p_matrix(tests: pd.DataFrame, variants: list[str]) -> pd.DataFrame:
    """Corrected p-values of all pairs as a symmetric matrix; what couldn't be tested isn't told apart."""
    matrix = pd.DataFrame(1.0, index=variants, columns=variants)
    for first, second, p in zip(tests["first"], tests["second"], tests[corrected(tests)].fillna(1.0), strict=True):
        matrix.loc[first, second] = matrix.loc[second, first] = p
    return matrix


def beside_paper_plot(comparison: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw the printed Dice and both of our readings, network by network, in the paper's order."""
    dice = comparison[comparison["metric"] == "dice"].sort_values("printed")
    places = np.arange(len(dice))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.7 + 0.25 * len(dice)), layout="constrained")
    axes.hlines(
        places, dice[["printed", "ours"]].min(axis=1), dice[["printed", "ours"]].max(axis=1), color=SOFT, linewidth=0.8
    )
    axes.plot(
        dice["printed"], places, "o", color="white", markeredgecolor=INK, markersize=5, label="printed in the paper"
    )
    axes.scatter(dice["ours"], places, s=30, color=[looks[name].colour for name in dice["variant"]], zorder=3)
    axes.plot([], [], "o", color=SOFT, markersize=5, label="ours, over subjects")
    axes.plot(dice["pooled"], places, "|", color=INK, markersize=8, label="ours, pooled counts")
    axes.set_yticks(places, [looks[name].label for name in dice["variant"]])
    axes.set_xlabel("Dice")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=3)
    return figure
