"""A group of structures in three dimensions: marching cubes, shaded by a lamp, drawn without a GPU."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes

from benchmark.figures.groups import Group
from benchmark.figures.pictures.regions import ACROSS, around, figure_size
from benchmark.figures.pictures.scenes import Scene
from benchmark.figures.pictures.slices import add_key, grid_of
from benchmark.figures.style import SOFT, bare
from datamodules.volumes.grid import crop

AZIMUTH, ELEVATION = np.deg2rad(-40), np.deg2rad(25)
SMOOTHING_MM, SMOOTHING_CELLS = 0.8, 0.6
"""Standard deviation of the smoothing, the larger one counts: a coarse surface is as smooth as a fine one."""
MAX_SIDE = 96
"""Cells along a side of what is drawn; in larger regions a cell is several voxels."""
LAMP = np.array([0.3, -0.5, 0.81])
"""Direction to the lamp: right of, before and above what is drawn."""

Triangles = NDArray[np.float64]


def region_surfaces(scene: Scene, group: Group) -> Figure | None:
    """Draw the surfaces of a group, seen from the front and above; None where the truth has none of it."""
    box = around(np.isin(scene.truth, list(group.classes(scene.protocol))), scene.spacing)
    if box is None:
        return None
    step = -(-max(last - first for first, last in box) // MAX_SIDE)
    drawn = {name: _scene_triangles(crop(labels, box), step, group, scene) for name, labels in scene.label_maps.items()}
    corners = np.concatenate([points.reshape(-1, 2) for points, _ in drawn.values() if len(points)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    figure = plt.figure(figsize=figure_size(list(drawn), float((high - low)[1] / (high - low)[0])))
    places = grid_of(figure, list(drawn), 1, ACROSS, [1])
    for name, (points, colours) in drawn.items():
        (axes,) = places[name]
        _show(axes, points, colours)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_title(name, loc="center", pad=3, fontsize=8)
        bare(axes)
    add_key(figure, group.legend(scene.protocol), ACROSS)
    return figure


def surface(mask: NDArray[np.bool_], spacing: NDArray[np.float64], step: int = 1) -> Triangles:
    """Triangles `[T, 3 corners, 3]` in mm around a mask, slightly smoothed; none for an empty mask.

    Args:
        mask: `[X, Y, Z]`.
        spacing: Voxel sides in mm.
        step: Voxels along a side of each cell that marching cubes looks at.
    """
    if not mask.any():
        return np.empty((0, 3, 3))
    sigma = np.maximum(SMOOTHING_MM / spacing, SMOOTHING_CELLS * step)
    soft = gaussian_filter(np.pad(mask, 2 * step).astype(np.float32), sigma)
    level = min(0.5, 0.5 * float(soft.max()))  # a single voxel, smoothed, never reaches a half
    corners, faces, _, _ = marching_cubes(soft, level, spacing=tuple(spacing), step_size=step)
    triangles: Triangles = corners[faces]
    return triangles


def project(triangles: Triangles) -> tuple[Triangles, NDArray[np.float64]]:
    """Look at triangles from `AZIMUTH` and `ELEVATION`: corners in the picture `[T, 3, 2]`, and depth `[T]`."""
    turned = triangles @ _view().T
    return turned[..., [0, 2]], turned[..., 1].mean(axis=1)


def shade(triangles: Triangles) -> NDArray[np.float64]:
    """Brightness `[T]` in [0, 1] of each triangle under `LAMP`."""
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]) @ _view().T
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    normals[normals[:, 1] > 0] *= -1  # what is seen faces the viewer
    brightness: NDArray[np.float64] = 0.4 + 0.6 * np.clip(normals @ LAMP / np.linalg.norm(LAMP), 0, 1)
    return brightness


def _show(axes: Axes, points: Triangles, colours: NDArray[np.float64]) -> None:
    axes.add_collection(
        PolyCollection(list(points), facecolors=colours, edgecolors=colours, linewidths=0.15, rasterized=True)
    )
    if not len(points):
        axes.text(0.5, 0.5, "none predicted", transform=axes.transAxes, ha="center", color=SOFT, fontsize=8)


def _scene_triangles(
    labels: NDArray[np.uint8], step: int, group: Group, scene: Scene
) -> tuple[Triangles, NDArray[np.float64]]:
    """All triangles of a group in the picture, the farthest first, and their colours `[T, 3]`."""
    points, depths, colours = [np.empty((0, 3, 2))], [np.empty(0)], [np.empty((0, 3))]
    for index, colour in group.classes(scene.protocol).items():
        triangles = surface(labels == index, np.array(scene.spacing), step)
        if len(triangles):
            flat, depth = project(triangles)
            points.append(flat)
            depths.append(depth)
            colours.append(shade(triangles)[:, None] * np.array(to_rgb(colour)))
    order = np.argsort(-np.concatenate(depths), kind="stable")
    return np.concatenate(points)[order], np.concatenate(colours)[order]


def _view() -> NDArray[np.float64]:
    """Rotation `[3, 3]` from RAS to right, away from the viewer, up."""
    a, e = AZIMUTH, ELEVATION
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = np.diag([-1, -1, 1]) @ turn  # from the front: the subject looks at the viewer
    tilt = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
    rotation: NDArray[np.float64] = tilt @ turn
    return rotation
