"""Box plots over subjects: every variant's metrics, and its Dice of a few structures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from benchmark.figures.names import readable
from benchmark.figures.style import INK, WIDTH, Look
from benchmark.scoring.columns import DISTANCES, OF_FOUND

ACROSS = 3
POINTS_SHOWN = 40
"""Beyond so many subjects the points beside a box are only ink."""
LINEAR_MM = 1.0
"""Distances are drawn linearly up to here and logarithmically beyond: one missed structure pays the whole diagonal."""

Values = NDArray[np.float64]


def by_variant(subjects: pd.DataFrame, titles: Mapping[str, str], looks: Mapping[str, Look]) -> Figure:
    """Draw one box a variant for each metric.

    Args:
        subjects: Of `benchmark.statistics.tables.by_subject`.
        titles: Metric to the title of its panel.
        looks: Of the variants, in the order of their rows.
    """
    figure, panels = _panels(len(titles), len(looks))
    for axes, (metric, title) in zip(panels, titles.items(), strict=True):
        _rows(axes, _values(subjects.loc[subjects["metric"] == metric].set_index("variant")["value"]), looks, title)
        if metric in (*DISTANCES, *OF_FOUND.values()):
            axes.set_xscale("symlog", linthresh=LINEAR_MM, subs=[2, 5])
            axes.set_xlim(left=0)  # a margin on this scale would show negative distances
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(ScalarFormatter())
            _thin_ticks(axes)
    return figure


def by_structure(chosen: pd.DataFrame, structures: Sequence[str], looks: Mapping[str, Look]) -> Figure:
    """Draw Dice of a few structures, one box a variant.

    Args:
        chosen: Of `benchmark.statistics.tables.of_structures`.
        structures: In the order of their panels.
        looks: Of the variants, in the order of their rows.
    """
    figure, panels = _panels(len(structures), len(looks))
    for axes, structure in zip(panels, structures, strict=True):
        own = chosen.loc[chosen["structure"] == structure].set_index("variant")["dice"]
        _rows(axes, _values(own), looks, readable(structure))
        axes.set_xlabel("Dice")
    return figure


def _panels(count: int, rows: int) -> tuple[Figure, list[Axes]]:
    across = min(ACROSS, count)
    down = -(-count // across)
    size = (WIDTH, down * (0.6 + 0.18 * rows))
    figure, panels = plt.subplots(down, across, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for unused in panels.flat[count:]:
        unused.set_visible(False)
    return figure, list(panels.flat[:count])


def _rows(axes: Axes, scores: Mapping[Any, Values], looks: Mapping[str, Look], title: str) -> None:
    few = max(len(scores[variant]) for variant in looks) <= POINTS_SHOWN
    for place, (variant, look) in enumerate(looks.items()):
        values = scores[variant]
        _draw_box(axes, values, place, look, outliers=0 if few else 2)
        if few:
            axes.plot(values, np.full(len(values), place), ".", color=INK, markersize=2.5, alpha=0.6)
    axes.set(title=title, ylim=(len(looks) - 0.4, -0.6))
    axes.set_yticks(range(len(looks)), [look.label for look in looks.values()])
    axes.grid(axis="x", which="both")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _thin_ticks(axes: Axes) -> None:
    """Name the 2s and 5s of a logarithmic axis only where it spans less than two decades."""
    low, high = axes.get_xlim()
    if high > 50 * max(low, LINEAR_MM):
        axes.xaxis.set_minor_formatter("")


def _values(scores: "pd.Series[float]") -> Mapping[Any, Values]:
    """The numbers behind each box, none for what isn't there."""
    parts = {key: np.asarray(part.dropna(), np.float64) for key, part in scores.groupby(level=0)}
    return defaultdict(lambda: np.empty(0), parts)


def _draw_box(axes: Axes, values: Values, place: float, look: Look, outliers: float) -> None:
    """Quartiles and whiskers in a variant's colour, and a dark median that is seen even where a box has no width."""
    axes.boxplot(
        [values],
        positions=[place],
        orientation="horizontal",
        widths=0.7,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": to_rgba(look.colour, 0.3), "edgecolor": look.colour, "linewidth": 0.7},
        whiskerprops={"color": look.colour, "linewidth": 0.7},
        capprops={"color": look.colour, "linewidth": 0.7},
        medianprops={"color": INK, "linewidth": 1.3},
        flierprops={"marker": "o", "markersize": outliers, "markerfacecolor": look.colour, "markeredgewidth": 0},
    )
