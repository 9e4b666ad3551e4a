"""The whole brain in three views: PET, MR, truth and every network (the paper's whole-brain figure)."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmark.figures.groups import without_side
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

ACROSS = 7
OPACITY = 0.75
NAMED = 12
"""Structures in the key: those that the pictures show most of."""


def whole_brain(scene: Scene) -> Figure:
    """Draw every image and label map at the middle of the brain; images say which part of [0, 1] black to white is."""
    names = [*scene.images, *scene.label_maps]
    heights = [_height(scene, view) for view in VIEWS]
    column = WIDTH / min(ACROSS, len(names))
    blocks = -(-len(names) // ACROSS)
    figure = plt.figure(figsize=(WIDTH, blocks * (column * sum(heights) + title_inches(names))))
    places = grid_of(figure, names, len(VIEWS), ACROSS, heights)
    positions = {view: middle(scene.truth, axis) for view, axis in VIEWS.items()}
    for index, name in enumerate(names):
        for axes, (view, position) in zip(places[name], positions.items(), strict=True):
            title = f"{name.upper()} 0 to {brightest(scene.images[name]):.2g}" if name in scene.images else name
            picture = _picture(scene, name, view, position)
            show(axes, picture, aspect(scene.spacing, view), title if view == "axial" else "")
            if index % ACROSS == 0:
                mark_edges(axes, view)
    add_key(figure, largest_structures(scene, positions), 4)
    return figure


def largest_structures(scene: Scene, positions: Mapping[str, int]) -> dict[str, str]:
    """Name to colour of the structures that are widest in the truth in slices of the three views.

    Sides that share a colour share a name; where they differ, each is named.
    """
    shown = [cut(scene.truth, view, position).ravel() for view, position in positions.items()]
    areas = np.bincount(np.concatenate(shown), minlength=scene.protocol.num_classes)
    widest = [int(index) for index in np.argsort(-areas, kind="stable") if index and areas[index]]
    table = structure_colours(scene)
    names, partners = scene.protocol.names, scene.protocol.partners
    alike = {index: np.array_equal(table[index], table[partners[index]]) for index in widest}
    key = {without_side(names[index]) if alike[index] else names[index]: to_hex(table[index]) for index in widest}
    return dict(list(key.items())[:NAMED])


def structure_colours(scene: Scene) -> NDArray[np.float32]:
    """FreeSurfer's colours `[K, 3]`; the background shows the image."""
    colours = np.array([structure.colour for structure in scene.protocol.structures], np.float32)
    colours[0] = np.nan
    return np.asarray(colours / 255, np.float32)


def middle(labels: NDArray[np.uint8], axis: int) -> int:
    """Where half of the labelled voxels lie on either side."""
    along = np.count_nonzero(labels, axis=tuple(other for other in range(3) if other != axis))
    return int(np.searchsorted(np.cumsum(along), along.sum() / 2))


def _picture(scene: Scene, name: str, view: str, position: int) -> NDArray[np.float32]:
    if name in scene.images:
        return np.asarray(cut(stretch(scene.images[name]), view, position), np.float32)
    background = stretch(list(scene.images.values())[-1])
    labels = np.asarray(cut(scene.label_maps[name], view, position), np.uint8)
    return overlay(np.asarray(cut(background, view, position), np.float32), labels, structure_colours(scene), OPACITY)


def stretch(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spread intensities over [0, 1] for display; the brightest of a thousand voxels are clipped."""
    top = brightest(image)
    return np.asarray(np.clip(image / top, 0, 1), np.float32) if top > 0 else image


def brightest(image: NDArray[np.float32]) -> float:
    """The stored intensity that is shown white."""
    return float(np.quantile(image[:: max(1, image.shape[0] // 64)], 0.999))


def _height(scene: Scene, view: str) -> float:
    """Height of a view over its width, in mm."""
    across, up = (scene.truth.shape[axis] * scene.spacing[axis] for axis in range(3) if axis != VIEWS[view])
    return float(up / across)
