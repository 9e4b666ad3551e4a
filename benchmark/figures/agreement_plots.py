"""Agreement of volume and uptake between prediction and truth, structure by structure: correlation and Bland-Altman."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import FAINT, INK, SOFT, WIDTH, readable
from benchmark.statistics.agreement import bland_altman, icc_2_1, pearson
from benchmark.statistics.consistency import Quantity, measured_pairs

ACROSS = 3
LEAST = 3
"""Subjects below which nothing is drawn of a structure."""
LABEL_ROOM = 0.075
"""Height of a label over that of its panel."""


def correlation(cases: pd.DataFrame, quantity: Quantity, structures: Sequence[str], colour: str) -> Figure:
    """Draw prediction against truth over subjects for each structure, with the lines of identity and of regression."""
    figure, panels = _panels(len(structures), 2.5)
    for axes, structure in zip(panels, structures, strict=True):
        pairs = measured_pairs(cases[cases["structure"] == structure], quantity)
        sns.regplot(
            pairs,
            x=quantity.truth,
            y=quantity.prediction,
            color=colour,
            ci=None,
            scatter_kws={"s": 9, "alpha": 0.7, "linewidths": 0},
            line_kws={"linewidth": 1},
            ax=axes,
        )
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set(xlabel=f"truth ({quantity.unit})", ylabel=f"prediction ({quantity.unit})")
        axes.locator_params(nbins=4)
        axes.set_title(_title(structure, pairs), pad=14)
        axes.text(0, 1.03, _coefficients(pairs, quantity), transform=axes.transAxes, fontsize=7, color=SOFT)
    return figure


def bland_altman_plots(cases: pd.DataFrame, quantity: Quantity, structures: Sequence[str], colour: str) -> Figure:
    """Draw difference against mean over subjects for each structure, with bias, limits and their 95 % intervals."""
    figure, panels = _panels(len(structures), 2.05)
    for axes, structure in zip(panels, structures, strict=True):
        pairs = measured_pairs(cases[cases["structure"] == structure], quantity)
        means, differences = pairs.mean(axis=1), pairs[quantity.prediction] - pairs[quantity.truth]
        axes.set(xlabel=f"mean ({quantity.unit})", ylabel=f"difference ({quantity.unit})")
        axes.set_title(_title(structure, pairs))
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.plot(means, differences, "o", color=colour, markersize=3, alpha=0.7, markeredgewidth=0)
        _limits(axes, pairs, quantity)
    return figure


def _limits(axes: Axes, pairs: pd.DataFrame, quantity: Quantity) -> None:
    result = bland_altman(pairs[quantity.prediction], pairs[quantity.truth])
    lines = ((result.lower_limit, "--", -1), (result.bias, "-", 0), (result.upper_limit, "--", 1))
    for line, style, _ in lines:
        axes.axhline(line.value, color=INK, linewidth=0.8, linestyle=style)
        axes.axhspan(line.low, line.high, color=SOFT, alpha=0.12, linewidth=0)
    axes.margins(y=0.1)
    bottom, top = axes.get_ylim()
    apart = max(result.upper_limit.value - result.bias.value, LABEL_ROOM * (top - bottom))
    for line, _, side in lines:
        text, place = f"{line.value:+.3g}".replace("-", "−"), result.bias.value + side * apart
        axes.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=6.5)


def _title(structure: str, pairs: pd.DataFrame) -> str:
    return f"{readable(structure)} (n = {len(pairs)})"


def _coefficients(pairs: pd.DataFrame, quantity: Quantity) -> str:
    r = pearson(pairs[quantity.prediction], pairs[quantity.truth]).value
    return f"r = {r:.3f}   ICC = {icc_2_1(pairs).value:.3f}".replace("nan", "–")


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    across = min(ACROSS, count)
    down = -(-count // across)
    figure, axes = plt.subplots(
        down, across, figsize=(WIDTH * across / ACROSS, height * down), squeeze=False, layout="constrained"
    )
    for unused in axes.flat[count:]:
        unused.set_visible(False)
    return figure, list(axes.flat[:count])
