"""A group of structures close up: the slices that tell most of it, in the truth and by every network."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmark.figures.groups import Group
from benchmark.figures.pictures.panels import stretch
from benchmark.figures.pictures.scenes import Scene
from benchmark.figures.pictures.slices import (
    VIEWS,
    add_key,
    aspect,
    cut,
    grid_of,
    mark_edges,
    overlay,
    show,
    title_inches,
)
from benchmark.figures.style import WIDTH
from datamodules.volumes.grid import Box, bounding_box, crop

ACROSS = 6
MARGIN_MM = 12.0
OPACITY = 0.7
CUT = 0.1
"""Share of its widest cut below which a slice doesn't show a structure."""


def region_slices(scene: Scene, group: Group) -> Figure | None:
    """Draw a group in the slices that tell most of it, one a row; None where the truth has none of it."""
    box = around(np.isin(scene.truth, list(group.classes(scene.protocol))), scene.spacing)
    if box is None:
        return None
    positions = [position - box[VIEWS[group.view]][0] for position in telling_slices(scene, group)]
    image = crop(stretch(list(scene.images.values())[-1]), box)
    greys = [np.asarray(cut(image, group.view, position), np.float32) for position in positions]
    ratio = aspect(scene.spacing, group.view)
    height = len(positions) * greys[0].shape[0] * ratio / greys[0].shape[1]
    figure = plt.figure(figsize=figure_size(list(scene.label_maps), height))
    places = grid_of(figure, list(scene.label_maps), len(positions), ACROSS, [1] * len(positions))
    for index, (name, labels) in enumerate(scene.label_maps.items()):
        for axes, grey, position in zip(places[name], greys, positions, strict=True):
            found = np.asarray(cut(crop(labels, box), group.view, position), np.uint8)
            title = name if axes is places[name][0] else ""
            show(axes, overlay(grey, found, colours(scene, group), OPACITY), ratio, title)
            if index % ACROSS == 0:
                mark_edges(axes, group.view)
    add_key(figure, group.legend(scene.protocol), ACROSS)
    return figure


def telling_slices(scene: Scene, group: Group) -> list[int]:
    """The slice along the group's view that cuts its structures widest; then one for those that it doesn't show."""
    across = tuple(axis for axis in range(3) if axis != VIEWS[group.view])
    areas = np.stack([(scene.truth == index).sum(axis=across) for index in group.classes(scene.protocol)])
    areas = areas[areas.any(axis=1)]
    shares = areas / areas.max(axis=1, keepdims=True)  # each structure measured by its own widest cut
    positions: list[int] = []
    while len(shares):
        shown = np.where(shares < CUT, 0, shares)
        positions.append(int(np.sqrt(shown).sum(axis=0).argmax()))  # the root favours all over one with the most
        shares = shares[shown[:, positions[-1]] == 0]
    return positions


def figure_size(names: Sequence[str], height_over_width: float) -> tuple[float, float]:
    """Inches of pictures in rows of `ACROSS`, with room for titles."""
    side, rows = WIDTH / ACROSS, -(-len(names) // ACROSS)
    return side * min(ACROSS, max(len(names), 3)), rows * (side * height_over_width + title_inches(names))


def colours(scene: Scene, group: Group) -> NDArray[np.float32]:
    """The group's colours `[K, 3]`; everything else shows the image."""
    table = np.full((scene.protocol.num_classes, 3), np.nan, np.float32)
    for index, colour in group.classes(scene.protocol).items():
        table[index] = to_rgb(colour)
    return table


def around(inside: NDArray[np.bool_], spacing: tuple[float, float, float]) -> Box | None:
    """The box around a region with a margin of `MARGIN_MM`; None for an empty region."""
    return bounding_box(inside, max(1, round(MARGIN_MM / min(spacing))))
