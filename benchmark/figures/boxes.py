"""Box plots over subjects: every variant's metrics, and Dice of every structure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import ScalarFormatter
from numpy.typing import ArrayLike, NDArray

from benchmark.figures.style import FAINT, HEIGHT, INK, WIDTH, Look, readable
from benchmark.scoring.absence import ABSENT
from benchmark.scoring.columns import DISTANCES

PANELS = {
    "dice": "Dice",
    "jaccard": "Jaccard",
    "sensitivity": "Sensitivity",
    "precision": "Precision",
    "hausdorff_mm": "HD (mm)",
    "hausdorff95_mm": "HD95 (mm)",
}
"""The paper's Table 1, and the distance that one stray voxel doesn't decide."""
POINTS_SHOWN = 40
"""Beyond so many subjects the points beside a box are only ink."""
LINEAR_MM = 1.0
"""Distances are drawn linearly up to here and logarithmically beyond: one missed structure pays the whole diagonal."""
SIDES = ("Left-", "Right-")
ROWS = 18
"""Structures below one another; more take a further column."""

Values = NDArray[np.float64]


def by_variant(cases: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw one box a variant for each metric in `PANELS`: the mean over structures of every subject."""
    counted = cases[cases["status"] != ABSENT.status]
    figure, panels = plt.subplots(
        2, len(PANELS) // 2, figsize=(WIDTH, 1.1 + 0.36 * len(looks)), sharey=True, layout="constrained"
    )
    for axes, (metric, title) in zip(panels.flat, PANELS.items(), strict=True):
        scores = _values(counted.groupby(["variant", "subject"])[metric].mean(), "variant")
        for place, (variant, look) in enumerate(looks.items()):
            values = scores[variant]
            few = len(values) <= POINTS_SHOWN
            _draw_boxes(axes, [values], [place], 0.7, look, outliers=0 if few else 2)
            if few:
                axes.plot(values, np.full(len(values), place), ".", color=INK, markersize=2, alpha=0.5)
        if metric in DISTANCES:
            axes.set_xscale("symlog", linthresh=LINEAR_MM, subs=[2, 5])
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(ScalarFormatter())
        axes.set(title=title)
        axes.set_yticks(range(len(looks)), [look.label for look in looks.values()])
        axes.grid(axis="x", which="both")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    panels.flat[0].set_ylim(len(looks) - 0.4, -0.6)
    return figure


def by_structure(cases: pd.DataFrame, columns: Sequence[Sequence[str]], looks: Mapping[str, Look]) -> Figure:
    """Draw Dice of structures, one box a variant, in columns beside one another."""
    counted = cases[cases["status"] != ABSENT.status]
    means = counted.groupby(["variant", "structure", "subject"])["dice"].mean()
    scores = _values(means, ["variant", "structure"])
    rows = max(map(len, columns))
    height = min(HEIGHT - 0.5, 0.9 + rows * (0.1 + 0.05 * len(looks)))
    figure, panels = plt.subplots(
        1, len(columns), figsize=(WIDTH, height), sharex=True, squeeze=False, layout="constrained"
    )
    for axes, names in zip(panels.flat, columns, strict=True):
        for place in range(1, len(names), 2):
            axes.axhspan(place - 0.5, place + 0.5, color=FAINT, alpha=0.35, linewidth=0)
        thickness = 0.86 / len(looks)
        for index, (variant, look) in enumerate(looks.items()):
            values = [scores[variant, name] for name in names]
            offset = (index - (len(looks) - 1) / 2) * thickness
            _draw_boxes(axes, values, np.arange(len(names)) + offset, 0.75 * thickness, look, outliers=1.8)
        axes.set(xlabel="Dice", ylim=(rows - 0.5, -0.5))
        axes.set_yticks(range(len(names)), list(map(readable, names)))
        axes.tick_params(axis="y", length=0)
    entries = [Patch(facecolor=_pale(look), edgecolor=look.colour, label=look.label) for look in looks.values()]
    figure.legend(handles=entries, loc="outside upper center", ncols=min(len(entries), 6))
    return figure


def beside_each_other(names: Sequence[str]) -> list[list[str]]:
    """Structures of the left and of the right, as columns; none where structures have no sides."""
    columns = [[name for name in names if name.startswith(side)] for side in SIDES]
    return columns if all(columns) else []


def in_the_middle(names: Sequence[str]) -> list[list[str]]:
    """The structures that `beside_each_other` leaves, in columns of `ROWS`."""
    paired = {name for column in beside_each_other(names) for name in column}
    rest = [name for name in names if name not in paired]
    return [rest[first : first + ROWS] for first in range(0, len(rest), ROWS)]


def _values(means: "pd.Series[float]", by: str | list[str]) -> Mapping[Any, Values]:
    """The numbers behind each box, none for what isn't there."""
    return defaultdict(
        lambda: np.empty(0), {key: np.asarray(part.dropna(), np.float64) for key, part in means.groupby(by)}
    )


def _draw_boxes(
    axes: Axes, values: Sequence[Values], places: ArrayLike, thickness: float, look: Look, outliers: float
) -> None:
    """Quartiles and whiskers in a variant's colour, and a dark median that is seen even where a box has no width."""
    axes.boxplot(
        values,
        positions=places,
        orientation="horizontal",
        widths=thickness,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": _pale(look), "edgecolor": look.colour, "linewidth": 0.7},
        whiskerprops={"color": look.colour, "linewidth": 0.7},
        capprops={"color": look.colour, "linewidth": 0.7},
        medianprops={"color": INK, "linewidth": 1.3},
        flierprops={"marker": "o", "markersize": outliers, "markerfacecolor": look.colour, "markeredgewidth": 0},
    )


def _pale(look: Look) -> tuple[float, float, float, float]:
    return to_rgba(look.colour, 0.3)
