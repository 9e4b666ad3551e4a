"""Agreement of volume and uptake between prediction and truth, structure by structure: correlation and Bland-Altman."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.agreement import bland_altman, icc_2_1, pearson
from benchmark.consistency import Quantity, measured_pairs
from benchmark.figures.style import FAINT, INK, SOFT, WIDTH, readable

ACROSS = 3


def correlation(cases: pd.DataFrame, quantity: Quantity, structures: Sequence[str], colour: str) -> Figure:
    """Draw prediction against truth over subjects for each structure, beside the line of identity."""
    figure, panels = _panels(len(structures))
    for axes, structure in zip(panels, structures, strict=True):
        pairs = measured_pairs(cases[cases["structure"] == structure], quantity)
        truth, found = pairs[quantity.truth], pairs[quantity.prediction]
        axes.axline((truth.min(), truth.min()), slope=1, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.plot(truth, found, "o", color=colour, markersize=3, alpha=0.7, markeredgewidth=0)
        axes.set(xlabel=f"truth ({quantity.unit})", ylabel=f"prediction ({quantity.unit})")
        axes.set_title(readable(structure), pad=14)
        axes.text(0, 1.03, _coefficients(pairs, quantity), transform=axes.transAxes, fontsize=7, color=SOFT)
    figure.tight_layout(w_pad=1.2, h_pad=1.2)
    return figure


def bland_altman_plots(cases: pd.DataFrame, quantity: Quantity, structures: Sequence[str], colour: str) -> Figure:
    """Draw difference against mean over subjects for each structure, with bias, limits and their 95 % intervals."""
    figure, panels = _panels(len(structures))
    for axes, structure in zip(panels, structures, strict=True):
        pairs = measured_pairs(cases[cases["structure"] == structure], quantity)
        axes.set(title=readable(structure), xlabel=f"mean ({quantity.unit})", ylabel=f"difference ({quantity.unit})")
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.plot(
            pairs.mean(axis=1),
            pairs[quantity.prediction] - pairs[quantity.truth],
            "o",
            color=colour,
            markersize=3,
            alpha=0.7,
            markeredgewidth=0,
        )
        if len(pairs) > 1:
            _limits(axes, pairs, quantity)
    figure.tight_layout(w_pad=1.2, h_pad=1.2)
    return figure


def _limits(axes: Axes, pairs: pd.DataFrame, quantity: Quantity) -> None:
    result = bland_altman(pairs[quantity.prediction], pairs[quantity.truth])
    for line, style in ((result.bias, "-"), (result.lower_limit, "--"), (result.upper_limit, "--")):
        axes.axhline(line.value, color=INK, linewidth=0.8, linestyle=style)
        axes.axhspan(line.low, line.high, color=SOFT, alpha=0.12, linewidth=0)
        text = f"{line.value:+.3g}".replace("-", "−")
        axes.annotate(text, (1.02, line.value), xycoords=("axes fraction", "data"), va="center", fontsize=6.5)
    low, high = axes.get_ylim()
    spread = max(high, result.upper_limit.value) - min(low, result.lower_limit.value)
    bottom, top = min(low, result.lower_limit.value), max(high, result.upper_limit.value)
    axes.set_ylim(bottom - 0.12 * spread, top + 0.16 * spread)


def _coefficients(pairs: pd.DataFrame, quantity: Quantity) -> str:
    if len(pairs) < 2:
        return f"n = {len(pairs)}"
    r = pearson(pairs[quantity.prediction], pairs[quantity.truth]).value
    return f"r = {r:.3f}   ICC = {icc_2_1(pairs).value:.3f}   n = {len(pairs)}".replace("nan", "–")


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    across = min(ACROSS, count)
    down = -(-count // across)
    figure, axes = plt.subplots(down, across, figsize=(WIDTH * across / ACROSS, 2.05 * down), squeeze=False)
    for unused in axes.flat[count:]:
        unused.set_visible(False)
    return figure, list(axes.flat[:count])
