"""Contact sheets: subjects' mid-slices, PET over MR, structures outlined in their colours, left and right marked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from datamodules.checks.snapshot import Plane, Snapshot
from datamodules.files import atomic_path
from datamodules.labels.protocol import Protocol
from datamodules.volumes.grid import Array

TILE = 320
"""Pixels along each side of a slice."""
CAPTION = 22
"""Pixels above the slices of a subject, for its name."""
PAGE = 12
"""Most subjects of a page."""
ONE_COLUMN = 4
"""Most subjects that stand above one another; more stand in two columns."""
EDGES = (("P", "A"), ("L", "R"), ("L", "R"))
"""What lies at the left and the right of the sagittal, the coronal and the axial slice."""
PET_OPACITY = 0.55
OUTLINE_OPACITY = 0.85
BRIGHTEST = 99.5
"""Percentile of the pixels shown that becomes white."""
DPI = 100

Look = Callable[[Snapshot], None]


@contextmanager
def sheet_of(path: Path, protocol: Protocol) -> Iterator[Look]:
    """Give a function to call with each subject's slices: pages of at most `PAGE` are drawn as they fill.

    Args:
        path: The first page, a PNG; `sheet.png` is followed by `sheet-2.png`.
        protocol: Whose structures they are.
    """
    waiting: list[Snapshot] = []
    pages = 0

    def draw() -> None:
        nonlocal pages
        pages += 1
        page = path if pages == 1 else path.with_name(f"{path.stem}-{pages}{path.suffix}")
        draw_sheet(page, waiting, protocol)
        waiting.clear()

    def look(snapshot: Snapshot) -> None:
        waiting.append(snapshot)
        if len(waiting) == PAGE:
            draw()

    yield look
    if waiting:
        draw()


def draw_sheet(path: Path, snapshots: Sequence[Snapshot], protocol: Protocol) -> None:
    """Draw subjects into one PNG.

    Args:
        path: File to write.
        snapshots: Whom; one without planes becomes an empty strip that says so.
        protocol: Whose structures they are.
    """
    columns = 1 if len(snapshots) <= ONE_COLUMN else 2
    rows = max(1, -(-len(snapshots) // columns))
    height, width = TILE + CAPTION, len(EDGES) * TILE
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    figure = Figure(figsize=(columns * width / DPI, rows * height / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1), zorder=1)  # texts above the slices
    for index, snapshot in enumerate(snapshots):
        top, left = index // columns * height, index % columns * width
        windows = brightest(snapshot)
        for position, (plane, marks) in enumerate(zip(snapshot.planes, EDGES, strict=False)):
            start = left + position * TILE
            painted = np.round(255 * draw_plane(plane, windows, protocol))
            sheet[top + CAPTION : top + height, start : start + TILE] = painted
            for mark, place in zip(marks, (start + 8, start + TILE - 8), strict=True):
                axes.text(place, top + height - 12, mark, color="white", fontsize=9, ha="center", va="center")
        text = _caption(snapshot, windows)
        axes.text(left + 4, top + CAPTION / 2, text, color="white", fontsize=8, va="center", parse_math=False)
    figure.figimage(sheet, origin="upper")
    axes.set(xlim=(0, columns * width), ylim=(rows * height, 0))
    axes.set_axis_off()
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)


def brightest(snapshot: Snapshot) -> dict[str, float]:
    """Modality to the stored intensity that is shown white."""
    tops = {
        name: max(float(np.percentile(plane.images[k], BRIGHTEST)) for plane in snapshot.planes)
        for k, name in enumerate(snapshot.modalities if snapshot.planes else ())
    }
    return {name: top or 1.0 for name, top in tops.items()}


def _caption(snapshot: Snapshot, windows: Mapping[str, float]) -> str:
    """Who, and which part of the stored [0, 1] is shown from black to white."""
    if not snapshot.planes:
        return f"{snapshot.subject}: can't be drawn, see the findings"
    return f"{snapshot.subject}   {', '.join(f'{name} 0 to {top:.2g}' for name, top in windows.items())}"


def draw_plane(plane: Plane, windows: Mapping[str, float], protocol: Protocol) -> Array:
    """Paint one slice `[TILE, TILE, 3]`, RGB in [0, 1]: MR in grey, the rest hot above it, structures outlined."""
    rows, columns, inside = _sampling(plane)
    shown = {
        name: np.clip(image[columns, rows].astype(np.float64) / top, 0, 1)
        for (name, top), image in zip(windows.items(), plane.images, strict=True)
    }
    picture = np.repeat(shown.get("mr", np.zeros((TILE, TILE)))[..., None], 3, axis=2)
    for name, hot in shown.items():
        if name != "mr":
            picture += (PET_OPACITY * hot)[..., None] * (colormaps["hot"](hot)[..., :3] - picture)
    label = plane.label[columns, rows]
    colours = np.array([structure.colour for structure in protocol.structures]) / 255
    edges = _edges(label)
    picture[edges] += OUTLINE_OPACITY * (colours[label[edges]] - picture[edges])
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


def _edges(label: Array) -> Array:
    """Pixels of structures with a neighbour of another class."""
    edges = np.zeros(label.shape, dtype=bool)
    across, down = label[:, :-1] != label[:, 1:], label[:-1] != label[1:]
    edges[:, :-1] |= across
    edges[:, 1:] |= across
    edges[:-1] |= down
    edges[1:] |= down
    return edges & (label > 0)
