"""Robustness: Dice against the noise of the tested PET, and against its misalignment."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import WIDTH, Look, legend_below
from benchmark.statistics.robustness import AXES

WIDE = 0.7
"""Share of the page that a single panel takes."""


def robustness_curves(table: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw a panel for every condition: mean Dice with its interval.

    Args:
        table: Of `benchmark.statistics.robustness.robustness`.
        looks: Of the variants.
    """
    shown = {variant: look for variant, look in looks.items() if variant in set(table["variant"])}
    conditions = [name for name in AXES if name in set(table["condition"])]
    width = WIDTH if len(conditions) > 1 else WIDE * WIDTH
    figure, panels = plt.subplots(
        1, len(conditions), figsize=(width, 3), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, condition in zip(panels.flat, conditions, strict=True):
        _panel(axes, table[table["condition"] == condition], shown)
        axes.set_xlabel(AXES[condition])
    panels.flat[0].set_ylabel("Dice")
    legend_below(figure, panels.flat[0])
    return figure


def _panel(axes: Axes, table: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    for variant, look in looks.items():
        rows = table[table["variant"] == variant].sort_values("level")
        axes.fill_between(rows["level"], rows["low"], rows["high"], color=look.colour, alpha=0.12, linewidth=0)
        axes.plot(rows["level"], rows["mean"], color=look.colour, marker=look.marker, markersize=4, label=look.label)
    axes.grid(axis="y")
