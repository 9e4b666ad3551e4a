"""Accuracy against cost: Dice beside parameters, multiply-adds, and time of training and test."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from benchmark.figures.style import SOFT, WIDTH, Look, legend_below

PANELS = {
    "parameters_m": "parameters (millions)",
    "gmac": "GMAC a patch",
    "minutes": "minutes of training",
    "seconds_per_subject": "seconds a subject",
    "peak_memory_gib": "peak memory (GiB)",
}

ACROSS = 3
DECADE = 10
"""Costs that differ by more are drawn on a logarithmic axis."""


def accuracy_against_cost(costs: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw every variant for each known cost, and a step line through those that are worth it.

    Args:
        costs: variant, dice, low, high (its interval), any columns of `PANELS`, and `front_COST` of each.
        looks: Of the variants.
    """
    known = [column for column in PANELS if column in costs and costs[column].notna().any()]
    down = max(1, -(-len(known) // ACROSS))
    across = max(1, -(-len(known) // down))
    size = (WIDTH, 0.6 + 2.2 * down)
    figure, panels = plt.subplots(down, across, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for unused in panels.flat[len(known) :]:
        unused.set_visible(False)
    for axes, column in zip(panels.flat[: len(known)], known, strict=True):
        front = costs[costs[f"front_{column}"]].sort_values(column)
        axes.step(front[column], front["dice"], where="post", color=SOFT, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        for _, row in costs.dropna(subset=[column]).iterrows():
            _point(axes, row, column, looks[row["variant"]])
        axes.set_xlabel(PANELS[column])
        if costs[column].max() > DECADE * costs[column].min():
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="both")
        axes.set_axisbelow(True)
    for axes in panels[:, 0]:
        axes.set_ylabel("Dice")
    legend_below(figure, panels.flat[0])
    return figure


def _point(axes: Axes, row: "pd.Series[Any]", column: str, look: Look) -> None:
    dice, low, high = (float(row[name]) for name in ("dice", "low", "high"))
    error = [[max(0.0, dice - low)], [max(0.0, high - dice)]]
    axes.errorbar(
        row[column], dice, error, fmt=look.marker, color=look.colour, markersize=5, elinewidth=0.8, label=look.label
    )
