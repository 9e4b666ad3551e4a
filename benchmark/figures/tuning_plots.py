"""Sensitivity of networks to the learning rate: the validation Dice of every trial."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import INK, SOFT, WIDTH, Look

COLUMNS = 4


def against_learning_rate(trials: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw a panel for every network: finished trials filled, others hollow, the chosen one ringed, its own crossed.

    Args:
        trials: variant, trial, learning_rate, dice, state, chosen.
        looks: Of the variants.
    """
    names = [name for name in looks if name in set(trials["variant"])]
    across = min(COLUMNS, len(names))
    down = -(-len(names) // across)
    figure, panels = plt.subplots(
        down, across, figsize=(WIDTH, 0.5 + 1.5 * down), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    for axes, name in zip(panels.flat, names, strict=False):
        _panel(axes, trials[trials["variant"] == name], looks[name])
    for axes in panels[:, 0]:
        axes.set_ylabel("validation Dice")
    figure.supxlabel("learning rate", fontsize="medium")
    return figure


def _panel(axes: Axes, trials: pd.DataFrame, look: Look) -> None:
    finished = trials["state"] == "complete"
    for rows, fill in ((trials[finished], look.colour), (trials[~finished], "none")):
        axes.scatter(rows["learning_rate"], rows["dice"], s=14, facecolors=fill, edgecolors=look.colour, linewidths=0.8)
    chosen, own = trials[trials["chosen"]], trials[trials["trial"] == 0]
    axes.scatter(chosen["learning_rate"], chosen["dice"], s=70, facecolors="none", edgecolors=INK, linewidths=0.9)
    axes.scatter(own["learning_rate"], own["dice"], s=40, marker="x", color=SOFT, linewidths=0.9)
    axes.set(title=look.label, xscale="log")
    axes.grid(axis="both")
    axes.set_axisbelow(True)
