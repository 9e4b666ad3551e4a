"""Slices of volumes as pictures: the three views, and label maps in colour over an image."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from benchmark.figures.names import readable
from benchmark.figures.style import SOFT, bare

VIEWS = {"axial": 2, "coronal": 1, "sagittal": 0}
"""View to the axis of a RAS volume that it looks along; the subject's left is on the left, its top or front up."""

EDGES = {"axial": ("L", "R"), "coronal": ("L", "R"), "sagittal": ("P", "A")}
"""What lies at the left and the right edge of a view."""

TITLE_INCHES = 0.24
LINE_INCHES = 0.13
"""Left above a second row of pictures."""

Picture = NDArray[np.float32]


def cut(volume: NDArray[np.generic], view: str, position: int) -> NDArray[np.generic]:
    """The slice `[row, column]` of a RAS volume at a position along the view's axis, upright with origin below."""
    upright: NDArray[np.generic] = np.take(volume, position, axis=VIEWS[view]).T
    return upright


def aspect(spacing: Sequence[float], view: str) -> float:
    """Height of a voxel over its width in a view."""
    across, up = (spacing[axis] for axis in range(3) if axis != VIEWS[view])
    return up / across


def overlay(image: Picture, labels: NDArray[np.uint8], colours: NDArray[np.float32], opacity: float) -> Picture:
    """Blend structures in colour over a grey image.

    Args:
        image: `[row, column]` in [0, 1].
        labels: Class indices `[row, column]`.
        colours: `[K, 3]` in [0, 1]; a row of NaN shows nothing.
        opacity: Of the structures.

    Returns:
        `[row, column, 3]`.
    """
    grey = np.repeat(np.clip(image, 0, 1)[..., None], 3, axis=-1)
    paint = colours[labels]
    return np.where(np.isnan(paint), grey, (1 - opacity) * grey + opacity * paint).astype(np.float32)


def show(axes: Axes, picture: Picture, ratio: float, title: str = "") -> None:
    """Draw a slice without frame."""
    axes.imshow(picture, origin="lower", aspect=ratio, cmap="gray", vmin=0, vmax=1)
    axes.set_title(title, loc="center", pad=3, fontsize=8)
    bare(axes)


def mark_edges(axes: Axes, view: str) -> None:
    """Write into the lower corners of a slice which sides of the subject lie there."""
    outline = [withStroke(linewidth=1.5, foreground="black")]
    for place, letter in zip((0.05, 0.95), EDGES[view], strict=True):
        axes.text(
            place,
            0.04,
            letter,
            transform=axes.transAxes,
            ha="center",
            color="white",
            fontsize=8,
            path_effects=outline,
        )


def add_key(figure: Figure, colours: Mapping[str, str], across: int) -> None:
    """Name structures by their colours below the pictures, so many beside one another."""
    entries = [
        Patch(facecolor=colour, edgecolor=SOFT, linewidth=0.4, label=readable(name)) for name, colour in colours.items()
    ]
    figure.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=across)


def title_inches(names: Sequence[str]) -> float:
    """Room that the longest of some titles takes, in as many lines as it has."""
    return TITLE_INCHES + LINE_INCHES * max((name.count("\n") for name in names), default=0)


def grid_of(
    figure: Figure, names: Sequence[str], rows_each: int, across: int, heights: Sequence[float]
) -> Mapping[str, list[Axes]]:
    """Axes for every name, `rows_each` above one another, wrapped after so many names, with room for titles."""
    blocks = -(-len(names) // across)
    room = title_inches(names) * blocks / figure.get_figheight()
    outer = figure.add_gridspec(blocks, 1, hspace=room, left=0.005, right=0.995, bottom=0, top=1)
    inner = [
        outer[block].subgridspec(rows_each, min(across, len(names)), height_ratios=heights, hspace=0.03, wspace=0.03)
        for block in range(blocks)
    ]
    places: dict[str, list[Axes]] = {}
    for index, name in enumerate(names):
        block, column = divmod(index, across)
        places[name] = [figure.add_subplot(inner[block][row, column]) for row in range(rows_each)]
    return places
