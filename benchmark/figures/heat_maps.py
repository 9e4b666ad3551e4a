"""Heat maps with numbers: Dice of every structure, ranks by every metric, and which pairs of networks differ."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmark.figures.names import readable
from benchmark.figures.style import HEIGHT, INK, SOFT, WIDTH, Look
from benchmark.statistics.resampling import LEVEL
from benchmark.statistics.significance_map import Map

Matrix = NDArray[np.float64]
NUMBERS, RANKS, DIFFERENCES = "YlGnBu", "YlGnBu_r", "PuOr_r"
"""Colours of scores, of ranks (the best is the darkest), and of differences about 0."""
SMALL = 0.01
"""Difference of a score that isn't worth a strong colour."""
UNKNOWN = "#ececec"
DARK = 0.45
"""Luminance below which a number on a colour is white."""


def structure_map(structures: pd.DataFrame, sizes: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw mean Dice of every structure (rows, the largest first) by every network.

    Args:
        structures: Of `benchmark.statistics.tables.by_structure`.
        sizes: Of `benchmark.statistics.tables.sizes`.
        looks: Of the variants, in the order of their columns.
    """
    dice = structures[structures["metric"] == "dice"].pivot_table("mean", "structure", "variant", sort=False)
    table = dice.reindex(index=sizes["structure"], columns=list(looks)).to_numpy(np.float64)
    rows = [f"{readable(name)} ({_ml(ml)} ml)" for name, ml in zip(sizes["structure"], sizes["ml"], strict=True)]
    height = min(HEIGHT - 0.6, 1.9 + 0.148 * len(rows))
    figure, axes = plt.subplots(figsize=(min(WIDTH, 2.6 + 0.55 * len(looks)), height), layout="constrained")
    fine = len(looks) <= 8
    _draw(axes, table, NUMBERS, Normalize(0, 1), lambda value: _without_zero(value, 3 if fine else 2))
    _name(axes, [look.label for look in looks.values()], rows)
    return figure


def rank_map(ranks: pd.DataFrame, headings: Mapping[str, str], looks: Mapping[str, Look]) -> Figure:
    """Draw the rank of every network (rows) by every metric.

    Args:
        ranks: metric, variant, rank.
        headings: Metric to its name, in the order of the columns.
        looks: Of the variants, in the order of their rows.
    """
    table = ranks.pivot_table("rank", "variant", "metric").reindex(index=list(looks), columns=list(headings))
    norm = Normalize(1, max(2, len(looks)))
    return _by_metric(table, RANKS, norm, lambda value: f"{value:.0f}", headings, looks)


def first_map(stability: pd.DataFrame, headings: Mapping[str, str], looks: Mapping[str, Look]) -> Figure:
    """Draw in how many per cent of bootstrap draws every network (rows) comes first by every metric.

    Args:
        stability: Of `benchmark.statistics.ranking.rank_stability` with a column "metric".
        headings: Metric to its name, in the order of the columns.
        looks: Of the variants, in the order of their rows.
    """
    table = stability.pivot_table("first", "variant", "metric").reindex(index=list(looks), columns=list(headings))
    return _by_metric(100 * table, NUMBERS, Normalize(0, 100), lambda value: f"{value:.0f}", headings, looks)


def pair_map(made: Map, looks: Mapping[str, Look]) -> Figure:
    """Draw mean differences, row minus column, above the diagonal, and corrected p below it, bold where below 5 %.

    Where no difference is above `SMALL` they have a digit more, and pale colours.
    """
    count = len(made.variants)
    figure, axes = plt.subplots(figsize=(min(WIDTH, 2.4 + 0.52 * count), 1.7 + 0.26 * count), layout="constrained")
    above = np.triu(np.ones((count, count), bool), 1)
    shown = np.where(above, made.differences, np.nan)
    largest = float(np.nanmax(np.abs(shown), initial=0))
    digits, end = (3, largest) if largest > SMALL else (4, SMALL)
    norm = TwoSlopeNorm(0, -end, end)
    _draw(axes, shown, DIFFERENCES, norm, lambda value: _without_zero(value, digits, signed=True), unknown="white")
    for row, column in zip(*np.nonzero(above.T), strict=True):
        p = made.p[row, column]
        weight = "bold" if p < LEVEL else "normal"
        axes.text(column, row, _p(p), ha="center", va="center", weight=weight, color=INK if p < LEVEL else SOFT)
    labels = [looks[variant].label for variant in made.variants]
    _name(axes, labels, labels)
    return figure


def _by_metric(
    table: pd.DataFrame,
    colours: str,
    norm: Normalize,
    write: Callable[[float], str],
    headings: Mapping[str, str],
    looks: Mapping[str, Look],
) -> Figure:
    size = (min(WIDTH, 2.2 + 0.4 * len(headings)), 1.4 + 0.2 * len(looks))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    _draw(axes, table.to_numpy(np.float64), colours, norm, write)
    _name(axes, list(headings.values()), [look.label for look in looks.values()])
    return figure


def _draw(
    axes: Axes,
    table: Matrix,
    colours: str,
    norm: Normalize,
    write: Callable[[float], str],
    unknown: str = UNKNOWN,
) -> None:
    """Cells as vectors, each with its number in a colour that is read on its own."""
    chosen: Colormap = plt.get_cmap(colours).with_extremes(bad=unknown)
    down, across = (np.arange(size + 1) - 0.5 for size in table.shape)
    axes.pcolormesh(
        across, down, np.ma.masked_invalid(table), cmap=chosen, norm=norm, edgecolors="white", linewidth=0.6
    )
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            light = _luminance(chosen(norm(value)))
            ink: dict[str, Any] = {"ha": "center", "va": "center", "color": "white" if light < DARK else INK}
            axes.text(column, row, write(value), **ink)


def _name(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    axes.set_xticks(np.arange(len(columns)), columns, rotation=55, ha="left", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(rows)), rows)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)


def _luminance(colour: tuple[float, float, float, float]) -> float:
    return float(np.dot(colour[:3], [0.299, 0.587, 0.114]))


def _without_zero(value: float, digits: int, *, signed: bool = False) -> str:
    """A share without its leading zero, as tables of many print it."""
    text = f"{abs(round(value, digits)):.{digits}f}"
    text = text.removeprefix("0") if digits else text
    sign = "−" if round(value, digits) < 0 else "+" if signed and round(value, digits) > 0 else ""
    return sign + text


def _p(value: float) -> str:
    if np.isnan(value):
        return "–"
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1"


def _ml(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2g}" if value < 10 else f"{value:,.0f}"
