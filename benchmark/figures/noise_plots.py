"""Robustness: Dice against the level of noise added to the tested PET."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmark.figures.style import WIDTH
from benchmark.tables import NOISE


def noise_robustness(summary: pd.DataFrame, colours: Mapping[str, str], shapes: Mapping[str, str]) -> Figure:
    """Draw mean Dice over subjects with its standard error, as made by `benchmark.tables.by_noise`."""
    figure, axes = plt.subplots(figsize=(WIDTH * 0.7, 2.8))
    dice = summary[summary["metric"] == "dice"]
    for variant, rows in dice.groupby("variant", sort=False):
        levels = rows.sort_values(NOISE)
        error = levels["std"] / levels["n"] ** 0.5
        name = str(variant)
        axes.errorbar(
            levels[NOISE], levels["mean"], error, color=colours[name], marker=shapes[name], markersize=4, label=name
        )
    axes.set(xlabel="noise level of the tested PET", ylabel="Dice")
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
