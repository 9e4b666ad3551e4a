"""The contact sheet of `petmr check`: every subject's mid-slices, PET over MR, structures outlined."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from datamodules.checks.snapshot import Plane, Snapshot
from datamodules.files import atomic_path
from datamodules.volumes.grid import Array

TILE = 240
"""Pixels along each side of a slice."""
CAPTION = 22
"""Pixels above the slices of a subject, for its name."""
COLUMNS = 3
"""Subjects side by side; fewer where there are fewer."""
PLANES = 3
OUTLINE = np.array([0.2, 1.0, 0.4])
PET_OPACITY = 0.55
OUTLINE_OPACITY = 0.6
DPI = 100


def draw_sheet(path: Path, snapshots: Sequence[Snapshot]) -> None:
    """Draw all subjects into one PNG.

    Args:
        path: File to write.
        snapshots: Whom; one without planes becomes an empty strip that says so.
    """
    columns = max(1, min(COLUMNS, len(snapshots)))
    rows = max(1, -(-len(snapshots) // columns))
    height, width = TILE + CAPTION, PLANES * TILE
    sheet = np.zeros((rows * height, columns * width, 3))
    figure = Figure(figsize=(columns * width / DPI, rows * height / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    for index, snapshot in enumerate(snapshots):
        top, left = index // columns * height, index % columns * width
        for position, plane in enumerate(snapshot.planes):
            across = slice(left + position * TILE, left + (position + 1) * TILE)
            sheet[top + CAPTION : top + height, across] = draw_plane(plane, snapshot.modalities)
        text = snapshot.subject if snapshot.planes else f"{snapshot.subject}: can't be drawn, see the findings"
        axes.text(left + 4, top + CAPTION / 2, text, color="white", fontsize=8, va="center", parse_math=False)
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)


def draw_plane(plane: Plane, modalities: Sequence[str]) -> Array:
    """Paint one slice `[TILE, TILE, 3]`, RGB in [0, 1]: MR in grey, PET hot above it, outlines of the structures."""
    rows, columns, inside = _sampling(plane)
    images = dict(zip(modalities, plane.images[:, columns, rows].astype(np.float64), strict=True))
    grey = images.get("mr", np.zeros((TILE, TILE)))
    picture = np.repeat(_brighten(grey)[..., None], 3, axis=2)
    for name, image in images.items():
        if name != "mr":
            hot = _brighten(image)
            picture += (PET_OPACITY * hot)[..., None] * (colormaps["hot"](hot)[..., :3] - picture)
    label = plane.label[columns, rows]
    picture[_edges(label)] *= 1 - OUTLINE_OPACITY
    picture[_edges(label)] += OUTLINE_OPACITY * OUTLINE
    picture[~inside] = 0
    return np.asarray(np.clip(picture, 0, 1))


def _sampling(plane: Plane) -> tuple[Array, Array, Array]:
    """For each pixel of a tile its indices along the plane's second and first axis, and whether it lies inside."""
    extent = np.array(plane.label.shape) * plane.spacing
    pixel = extent.max() / TILE
    across = (np.arange(TILE) + 0.5) * pixel
    first = np.floor((across - (extent.max() - extent[0]) / 2) / plane.spacing[0]).astype(int)
    second = np.floor((across[::-1] - (extent.max() - extent[1]) / 2) / plane.spacing[1]).astype(int)
    columns, rows = np.meshgrid(first, second)
    a, b = plane.label.shape
    inside = (columns >= 0) & (columns < a) & (rows >= 0) & (rows < b)
    return rows.clip(0, b - 1), columns.clip(0, a - 1), inside


def _brighten(image: Array) -> Array:
    """Stretch to the 99th percentile, so that a wrong range doesn't hide the picture."""
    top = np.percentile(image, 99) or 1.0
    return np.asarray(np.clip(image / top, 0, 1))


def _edges(label: Array) -> Array:
    """Pixels whose right or lower neighbour is of another class."""
    edges = np.zeros(label.shape, dtype=bool)
    edges[:, :-1] |= label[:, :-1] != label[:, 1:]
    edges[:-1] |= label[:-1] != label[1:]
    return edges
