"""Box plots over subjects: every variant's metrics, and Dice of every structure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from benchmark.absence import ABSENT
from benchmark.figures.style import FAINT, INK, WIDTH, readable
from benchmark.statistics import subject_scores

PANELS = {"dice": "Dice", "jaccard": "Jaccard", "hausdorff95_mm": "HD95 (mm)", "assd_mm": "ASSD (mm)"}
POINTS_SHOWN = 40
"""Beyond so many subjects the points beside a box are only ink."""


def by_variant(cases: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Draw one box a variant for each metric in `PANELS`: the mean over structures of every subject."""
    figure, panels = plt.subplots(1, len(PANELS), figsize=(WIDTH, 0.6 + 0.24 * len(colours)), sharey=True)
    for axes, (metric, title) in zip(panels, PANELS.items(), strict=True):
        scores = subject_scores(cases, metric).reindex(columns=list(colours))
        for place, (variant, colour) in enumerate(colours.items()):
            _box(axes, scores[variant].dropna().to_numpy(), place, 0.6, colour)
        axes.set(title=title, yticks=range(len(colours)), yticklabels=list(colours))
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    panels[0].set_ylim(len(colours) - 0.4, -0.6)
    figure.tight_layout(w_pad=1.2)
    return figure


def by_structure(cases: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Draw Dice of every structure, one box a variant, in as many columns as keep the page readable."""
    counted = cases[cases["status"] != ABSENT.status]
    structures = list(dict.fromkeys(counted["structure"]))
    across = 1 if len(structures) * len(colours) <= 60 else 2
    rows = -(-len(structures) // across)
    height = rows * (0.058 * len(colours) + 0.06) + 0.9
    figure, panels = plt.subplots(1, across, figsize=(WIDTH, height), sharex=True, squeeze=False)
    scores: dict[Any, NDArray[np.float64]] = {
        key: group["dice"].dropna().to_numpy() for key, group in counted.groupby(["structure", "variant"])
    }
    for axes, first in zip(panels.flat, range(0, len(structures), rows), strict=False):
        _structure_rows(axes, structures[first : first + rows], rows, scores, colours)
    entries = [Patch(color=colour, label=variant) for variant, colour in colours.items()]
    figure.legend(handles=entries, loc="upper center", ncols=min(len(entries), 5))
    figure.tight_layout(rect=(0, 0, 1, 1 - (0.2 + 0.17 * -(-len(entries) // 5)) / height), w_pad=1.5)
    return figure


def _structure_rows(
    axes: Axes,
    structures: Sequence[str],
    rows: int,
    scores: Mapping[Any, NDArray[np.float64]],
    colours: Mapping[str, str],
) -> None:
    thickness = 0.84 / len(colours)
    for place, structure in enumerate(structures):
        axes.axhspan(place - 0.5, place + 0.5, color=FAINT, alpha=0.35 * (place % 2), linewidth=0)
        for index, (variant, colour) in enumerate(colours.items()):
            offset = (index - (len(colours) - 1) / 2) * thickness
            values = scores.get((structure, variant), np.empty(0))
            _box(axes, values, place + offset, 0.8 * thickness, colour, points=False)
    axes.set(yticks=range(len(structures)), yticklabels=list(map(readable, structures)), xlabel="Dice")
    axes.set_ylim(rows - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _box(
    axes: Axes, values: NDArray[np.float64], place: float, thickness: float, colour: str, *, points: bool = True
) -> None:
    """Quartiles and median as a box, whiskers to the last value within 1.5 of its length, as Tukey drew it."""
    if not values.size:
        return
    low, median, high = np.percentile(values, [25, 50, 75])
    inside = values[(values >= low - 1.5 * (high - low)) & (values <= high + 1.5 * (high - low))]
    axes.plot([inside.min(), inside.max()], [place, place], color=colour, linewidth=0.9, zorder=2)
    axes.barh(place, high - low, thickness, left=low, color=colour, linewidth=0.8, zorder=3)
    axes.plot([median] * 2, [place - thickness / 2, place + thickness / 2], color="white", linewidth=1.1, zorder=4)
    shown = values if points and values.size <= POINTS_SHOWN else np.setdiff1d(values, inside)
    axes.plot(shown, np.full(shown.shape, place), ".", color=INK, markersize=2, alpha=0.55, markeredgewidth=0, zorder=5)
