"""The ranking of variants: critical-difference diagram, ranks in every fold and seed, and Dice against the paper's."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmark.figures.style import INK, SOFT, WIDTH
from benchmark.statistics import LEVEL


def critical_difference_diagram(
    mean_ranks: "pd.Series[float]", tests: pd.DataFrame, colours: Mapping[str, str]
) -> Figure:
    """Draw mean ranks; a bar joins variants that Holm-corrected signed-rank tests don't tell apart.

    Args:
        mean_ranks: Over subjects, by variant.
        tests: Of `benchmark.statistics.paired_tests`.
        colours: Of the variants.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.16 * len(mean_ranks)))
    scikit_posthocs.critical_difference_diagram(
        mean_ranks,
        p_matrix(tests, list(mean_ranks.index)),
        alpha=LEVEL,
        ax=axes,
        label_fmt_left="{label} ({rank:.2f})",
        label_fmt_right="({rank:.2f}) {label}",
        label_props={"fontsize": 8},
        elbow_props={"linewidth": 1.1},
        crossbar_props={"color": INK, "linewidth": 2.4},
        color_palette=dict(colours),
        text_h_margin=0.02,
    )
    for text in axes.texts:  # pale networks are read by their lines
        text.set_color(INK)
    return figure


def p_matrix(tests: pd.DataFrame, variants: list[str]) -> pd.DataFrame:
    """Corrected p-values of all pairs as a symmetric matrix; what couldn't be tested isn't told apart."""
    matrix = pd.DataFrame(1.0, index=variants, columns=variants)
    for first, second, p in zip(tests["first"], tests["second"], tests["p_holm"].fillna(1.0), strict=True):
        matrix.loc[first, second] = matrix.loc[second, first] = p
    return matrix


def rank_paths(table: pd.DataFrame, colours: Mapping[str, str], shapes: Mapping[str, str]) -> Figure:
    """Draw each variant's rank across replicates, as made by `benchmark.statistics.replicate_ranks`."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.2 * table.shape[1]))
    places = np.arange(len(table))
    for variant in table.columns:
        axes.plot(places, table[variant], color=colours[variant], marker=shapes[variant], markersize=5)
        axes.text(places[-1] + 0.08, table[variant].iloc[-1], variant, color=INK, va="center", fontsize=7)
    axes.set(xticks=places, xticklabels=table.index, ylabel="rank by mean Dice", xlim=(-0.3, len(table) - 0.2 + 0.6))
    axes.set(yticks=range(1, table.shape[1] + 1), ylim=(table.shape[1] + 0.4, 0.6))
    return figure


def beside_paper_plot(comparison: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Draw the printed Dice and both of our readings, network by network, in the paper's order."""
    dice = comparison[comparison["metric"] == "dice"].sort_values("printed")
    places = np.arange(len(dice))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.7 + 0.25 * len(dice)))
    axes.hlines(
        places, dice[["printed", "ours"]].min(axis=1), dice[["printed", "ours"]].max(axis=1), color=SOFT, linewidth=0.8
    )
    axes.plot(
        dice["printed"], places, "o", color="white", markeredgecolor=INK, markersize=5, label="printed in the paper"
    )
    axes.scatter(dice["ours"], places, s=30, color=[colours[name] for name in dice["variant"]], zorder=3)
    axes.plot([], [], "o", color=SOFT, markersize=5, label="ours, over subjects")
    axes.plot(dice["pooled"], places, "|", color=INK, markersize=8, label="ours, pooled counts")
    axes.set(yticks=places, yticklabels=dice["variant"], xlabel="Dice")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return figure
