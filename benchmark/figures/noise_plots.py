"""Robustness: Dice against the level of noise added to the tested PET."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmark.figures.style import WIDTH, Look, legend_below
from benchmark.statistics.tables import NOISE


def noise_robustness(summary: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw mean Dice over subjects with its standard error, as made by `benchmark.statistics.tables.by_noise`."""
    figure, axes = plt.subplots(figsize=(0.7 * WIDTH, 3), layout="constrained")
    dice = summary[summary["metric"] == "dice"]
    for variant, rows in dice.groupby("variant", sort=False):
        levels, look = rows.sort_values(NOISE), looks[str(variant)]
        error = levels["std"] / levels["n"] ** 0.5
        axes.errorbar(
            levels[NOISE],
            levels["mean"],
            error,
            color=look.colour,
            marker=look.marker,
            markersize=4,
            elinewidth=0.8,
            label=look.label,
        )
    axes.set(xlabel="noise level of the tested PET", ylabel="Dice")
    axes.grid(axis="y")
    legend_below(figure, axes)
    return figure
