"""A group of structures close up: the slice that tells most of it, in the truth and by every network."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from benchmark.figures.groups import Group
from benchmark.figures.panels import stretch
from benchmark.figures.scenes import Scene
from benchmark.figures.slices import VIEWS, aspect, cut, grid_of, overlay, show
from benchmark.figures.style import WIDTH, readable
from datamodules.grid import Box, bounding_box, crop

ACROSS = 5
MARGIN_MM = 12.0
OPACITY = 0.7


def region_slices(scene: Scene, group: Group) -> Figure | None:
    """Draw a group in the slice that tells most of it; None where the truth has none of it."""
    inside = np.isin(scene.truth, list(group.classes(scene.protocol)))
    box = around(inside, scene.spacing)
    if box is None:
        return None
    axis = VIEWS[group.view]
    position = telling_slice(scene, group) - box[axis][0]
    image = crop(stretch(list(scene.images.values())[-1]), box)
    grey = np.asarray(cut(image, group.view, position), np.float32)
    ratio = aspect(scene.spacing, group.view)
    figure = plt.figure(figsize=figure_size(len(scene.label_maps), grey.shape[0] * ratio / grey.shape[1]))
    places = grid_of(figure, list(scene.label_maps), 1, ACROSS, [1])
    for name, labels in scene.label_maps.items():
        found = np.asarray(cut(crop(labels, box), group.view, position), np.uint8)
        show(places[name][0], overlay(grey, found, colours(scene, group), OPACITY), ratio, name)
    add_legend(figure, scene, group)
    return figure


def telling_slice(scene: Scene, group: Group) -> int:
    """The slice along the group's view that cuts its structures widest, each measured by its own widest cut."""
    across = tuple(axis for axis in range(3) if axis != VIEWS[group.view])
    areas = np.stack([(scene.truth == index).sum(axis=across) for index in group.classes(scene.protocol)])
    shares = areas / np.maximum(areas.max(axis=1, keepdims=True), 1)
    return int(np.sqrt(shares).sum(axis=0).argmax())  # the root favours a slice with all over one with the most


def figure_size(pictures: int, height_over_width: float) -> tuple[float, float]:
    """Inches of so many pictures in rows of `ACROSS`, with room for titles."""
    side = WIDTH / ACROSS
    return side * min(ACROSS, max(pictures, 3)), -(-pictures // ACROSS) * (side * height_over_width + 0.22)


def colours(scene: Scene, group: Group) -> NDArray[np.float32]:
    """The group's colours `[K, 3]`; everything else shows the image."""
    table = np.full((scene.protocol.num_classes, 3), np.nan, np.float32)
    for index, colour in group.classes(scene.protocol).items():
        table[index] = to_rgb(colour)
    return table


def around(inside: NDArray[np.bool_], spacing: tuple[float, float, float]) -> Box | None:
    """The box around a region with a margin of `MARGIN_MM`; None for an empty region."""
    return bounding_box(inside, max(1, round(MARGIN_MM / min(spacing))))


def add_legend(figure: Figure, scene: Scene, group: Group) -> None:
    """Name the colours below the pictures."""
    entries = [Patch(color=colour, label=readable(name)) for name, colour in group.legend(scene.protocol).items()]
    figure.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=len(entries))
