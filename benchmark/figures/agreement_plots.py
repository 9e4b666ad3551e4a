"""Agreement of volume and uptake between prediction and truth, structure by structure: correlation and Bland-Altman."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import INK, SOFT, WIDTH
from benchmark.statistics.agreement import Interval, bland_altman, icc_2_1, pearson
from benchmark.statistics.consistency import both_measured

ACROSS = 3
FEW = 10
"""Subjects below which points stand alone: no regression, no limits, no coefficient."""
LABEL_ROOM = 0.11
"""Height of a label over that of its panel."""
LIMIT, BIAS = "#b3541e", "#1f5a94"
"""Of the limits of agreement and of the bias, each with its interval."""


def correlation(panels: Mapping[str, pd.DataFrame], unit: str, colour: str) -> Figure:
    """Draw prediction against truth over subjects, with the lines of identity and of regression.

    Args:
        panels: Title to the pairs of `benchmark.statistics.consistency.Measured` of one variant and structure.
        unit: Of all values.
        colour: Of the points.
    """
    figure, places = _panels(len(panels), 2.6)
    for axes, (title, pairs) in zip(places, panels.items(), strict=True):
        measured = both_measured(pairs)
        axes.set(xlabel=f"truth ({unit})", ylabel=f"prediction ({unit})")
        if not _predicted(axes, title, measured):
            continue
        _points(axes, measured["truth"], measured["prediction"], colour)
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.locator_params(nbins=4)
        if len(measured) >= FEW:
            _regression(axes, measured, colour)
            axes.set_title(f"{axes.get_title('left')}\n{_coefficients(measured)}", linespacing=1.4)
    return figure


def bland_altman_plots(panels: Mapping[str, pd.DataFrame], unit: str, colour: str) -> Figure:
    """Draw difference against mean over subjects, with bias, limits of agreement and brackets of their 95 % intervals.

    Args:
        panels: As of `correlation`.
        unit: Of all values.
        colour: Of the points.
    """
    figure, places = _panels(len(panels), 2.2)
    for axes, (title, pairs) in zip(places, panels.items(), strict=True):
        measured = both_measured(pairs)
        means, differences = (
            (measured["truth"] + measured["prediction"]) / 2,
            measured["prediction"] - measured["truth"],
        )
        axes.set(xlabel=f"mean ({unit})", ylabel=f"difference ({unit})")
        if not _predicted(axes, title, measured):
            continue
        _points(axes, means, differences, colour)
        axes.axhline(0, color=INK, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        if len(measured) >= FEW:
            _limits(axes, measured)
    return figure


def _predicted(axes: Axes, title: str, measured: pd.DataFrame) -> bool:
    """Name a panel, and say so where there is nothing to draw in it."""
    axes.set_title(f"{title} (n = {len(measured)})")
    if measured["prediction"].any():
        return True
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, "not predicted", transform=axes.transAxes, ha="center", va="center", color=SOFT)
    return False


def _points(axes: Axes, x: "pd.Series[float]", y: "pd.Series[float]", colour: str) -> None:
    axes.plot(x, y, "o", color=colour, markersize=3.4, markeredgecolor="white", markeredgewidth=0.3)


def _regression(axes: Axes, measured: pd.DataFrame, colour: str) -> None:
    truth, prediction = (measured[side].to_numpy(float) for side in ("truth", "prediction"))
    if np.ptp(truth) > 0:
        slope, height = np.polyfit(truth - truth.mean(), prediction, 1)
        ends = np.array([truth.min(), truth.max()])
        axes.plot(ends, height + slope * (ends - truth.mean()), color=colour, linewidth=1.2)


def _limits(axes: Axes, measured: pd.DataFrame) -> None:
    result = bland_altman(measured["prediction"], measured["truth"])
    lines = ((result.lower_limit, LIMIT, -1), (result.bias, BIAS, 0), (result.upper_limit, LIMIT, 1))
    for place, (line, colour, side) in enumerate(lines):
        axes.axhline(line.value, color=colour, linewidth=1.1, linestyle="--" if side else "-")
        _bracket(axes, line, colour, 0.955 + 0.02 * (place % 2))
    axes.margins(y=0.1)
    bottom, top = axes.get_ylim()
    apart = max(result.upper_limit.value - result.bias.value, LABEL_ROOM * (top - bottom))
    for line, colour, side in lines:
        at = (1.02, result.bias.value + side * apart)
        text = _signed(line.value)
        axes.annotate(text, at, xycoords=("axes fraction", "data"), va="center", fontsize=8, color=colour)


def _bracket(axes: Axes, interval: Interval, colour: str, place: float) -> None:
    """The interval of a line, as a bracket at the right."""
    axes.plot(
        [place, place],
        [interval.low, interval.high],
        "_-",
        color=colour,
        markersize=4,
        linewidth=1.1,
        transform=axes.get_yaxis_transform(),
    )


def _coefficients(measured: pd.DataFrame) -> str:
    r = pearson(measured["prediction"], measured["truth"]).value
    with np.errstate(invalid="ignore", divide="ignore"):
        icc = icc_2_1(measured[["truth", "prediction"]]).value
    return f"r = {_coefficient(r)}   ICC = {_coefficient(icc)}"


def _coefficient(value: float) -> str:
    return "–" if np.isnan(value) else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def _signed(value: float) -> str:
    rounded = float(f"{value:.3g}")
    return f"{rounded:+.3g}".replace("-", "−") if rounded else "0"


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    across = min(ACROSS, count)
    down = -(-count // across)
    figure, axes = plt.subplots(
        down, across, figsize=(WIDTH * across / ACROSS, height * down), squeeze=False, layout="constrained"
    )
    for unused in axes.flat[count:]:
        unused.set_visible(False)
    return figure, list(axes.flat[:count])
