"""A brain-like label map from a seed alone: ellipsoids, folded cortex, callosal arch and head, under a smooth warp.

It holds all 45 classes of the protocol aseg45, and is brain-like, not anatomical: for demonstrations and tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from datamodules.simulation.anatomy import FIELD_OF_VIEW, Variation, random_affine, random_displacement
from datamodules.simulation.phantom_canvas import Canvas
from datamodules.simulation.phantom_shapes import DEEP_STRUCTURES, Ellipsoid, Vector
from datamodules.simulation.random_fields import Floats, resample_axis, upsample

VARIATION = Variation(rotation=6.0, scaling=0.06, shear=0.0, shift=3.0, velocity=2.5, grid=64)
ORIGIN = (0.0, 8.0, -2.0)
"""Where the origin of the head lies, in millimetres from the middle of the volume."""
VENTRICLES = (4, 5, 14)
LESIONS = 77
SLAB = 2**18
"""Voxels painted at a time: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Individual:
    """One random head, the same on every grid.

    Attributes:
        matrix: 4 x 4, from the volume's millimetres to head coordinates.
        fields: [6, G, G, G] on the field of view: displacement (three components, millimetres), height of the folding
            pattern (millimetres), its slope, and foliation of the cerebellum.
        deep_structures: Ellipsoids of this individual.
        fold_width: Distance between sulci, in millimetres.
        sulcal_depth: In millimetres.
        cortical_thickness: In millimetres.
        callosal_thickness: Of the arch seen from the side, in millimetres.
        callosal_width: From the mid-plane to where the callosum counts as white matter, in millimetres.
    """

    matrix: NDArray[np.float64]
    fields: Floats
    deep_structures: tuple[Ellipsoid, ...]
    fold_width: float
    sulcal_depth: float
    cortical_thickness: float
    callosal_thickness: float
    callosal_width: float = 2.5

    def thickened(self, resolution: float) -> "Individual":
        """The same head with no structure too thin to show in voxels of `resolution` millimetres."""
        return replace(
            self,
            deep_structures=tuple(part.thickened(0.62 * resolution) for part in self.deep_structures),
            cortical_thickness=max(self.cortical_thickness, 0.8 * resolution),
            callosal_thickness=max(self.callosal_thickness, 0.9 * resolution),
            callosal_width=max(self.callosal_width, 0.8 * resolution),
        )


def phantom_labels(
    seed: int | Sequence[int], size: int, spacing: float, *, resolution: float | None = None
) -> NDArray[np.int16]:
    """Make the label map of one random head.

    The same seed gives the same head on every grid.

    Args:
        seed: Seed of the individual.
        size: Voxels along each axis.
        spacing: Edge of a voxel, in millimetres.
        resolution: Voxel size, in millimetres, at which thin structures must still show: they are drawn at least as
            thick as that takes. `spacing` unless given.

    Returns:
        FreeSurfer labels [X, Y, Z] in RAS orientation, with ids of head tissue (500 to 999). A deep structure that
        falls between the voxels takes the nearest one.
    """
    individual = draw_individual(np.random.default_rng(seed)).thickened(resolution or spacing)
    axis = ((np.arange(size) - (size - 1) / 2) * spacing).astype(np.float32)
    knots = (axis / FIELD_OF_VIEW + 0.5) * (VARIATION.grid - 1)
    fields = resample_axis(resample_axis(individual.fields, knots, 3), knots, 2)
    labels = np.zeros((size,) * 3, np.int16)
    nearest: dict[int, tuple[float, int]] = {}
    step = max(1, SLAB // size**2)
    for first in range(0, size, step):
        here = slice(first, first + step)
        points = _points(individual.matrix, axis[here], axis)
        canvas = _paint(individual, resample_axis(fields, knots[here], 1), points, spacing)
        labels[here] = canvas.labels
        for label, (depth, voxel) in canvas.nearest.items():
            nearest[label] = max(nearest.get(label, (-np.inf, 0)), (depth, voxel + first * size**2))
    for label in sorted(nearest.keys() - set(np.unique(labels).tolist())):
        labels.reshape(-1)[nearest[label][1]] = label
    return labels


def _points(matrix: NDArray[np.float64], planes: Floats, axis: Floats) -> Floats:
    """Head coordinates [3, X, Y, Z] of voxels, before the warp."""
    x, y, z = planes[:, None, None], axis[:, None], axis
    m = matrix.astype(np.float32)
    return np.stack([m[i, 0] * x + m[i, 1] * y + m[i, 2] * z + m[i, 3] for i in range(3)])


def _paint(individual: Individual, fields: Floats, points: Floats, spacing: float) -> Canvas:
    height, slope, foliation = fields[3:]
    folds = height / np.float32(individual.fold_width)
    to_sulcus = np.abs(folds - np.rint(folds)) * np.float32(individual.fold_width) / slope
    canvas = Canvas(*(points + fields[:3]), margin=spacing)
    cerebrum = canvas.cerebrum()
    canvas.paint_head(cerebrum)
    canvas.paint_cerebrum(cerebrum, to_sulcus, individual.sulcal_depth, individual.cortical_thickness)
    canvas.paint_callosum(individual.callosal_thickness, individual.callosal_width)
    canvas.paint_cerebellum(cerebrum, foliation)
    for part in individual.deep_structures:
        canvas.paint_deep_structure(part)
    return canvas


def draw_individual(rng: np.random.Generator) -> Individual:
    """Draw the pose, warp, folding and proportions of one head."""
    matrix = random_affine(rng, VARIATION)
    matrix[:3, 3] -= matrix[:3, :3] @ np.array(ORIGIN)
    displacement = random_displacement(rng, VARIATION)
    knots = np.linspace(-FIELD_OF_VIEW / 2, FIELD_OF_VIEW / 2, VARIATION.grid, dtype=np.float32)
    _, y, z = _points(matrix, knots, knots) + displacement
    height = y + np.float32(0.35 * np.sin(rng.uniform(0, 2 * np.pi))) * z
    height += 9 * _undulation(rng, 26.0) + 3 * _undulation(rng, 14.0)
    gradient = np.gradient(height, FIELD_OF_VIEW / (VARIATION.grid - 1))
    slope = np.maximum(np.sqrt(sum(component**2 for component in gradient)), 0.6)
    sizes = {label: rng.lognormal(0, 0.13) for label in VENTRICLES} | {LESIONS: rng.lognormal(0, 0.2)}
    return Individual(
        matrix=matrix,
        fields=np.stack([*displacement, height, slope, _undulation(rng, 9.0)]).astype(np.float32),
        deep_structures=tuple(_jitter(rng, part, sizes.get(part.label, 1.0)) for part in DEEP_STRUCTURES),
        fold_width=15 * rng.normal(1, 0.06),
        sulcal_depth=13 * rng.normal(1, 0.1),
        cortical_thickness=2.9 * rng.normal(1, 0.05),
        callosal_thickness=3.5 * rng.normal(1, 0.12),
    )


def _undulation(rng: np.random.Generator, wavelength: float) -> Floats:
    """Smooth noise of unit deviation that varies over `wavelength` millimetres."""
    knots = int(np.ceil(FIELD_OF_VIEW / wavelength)) + 1
    noise = upsample(rng.standard_normal((knots,) * 3, np.float32), (VARIATION.grid,) * 3)
    noise = ndimage.gaussian_filter(noise, 0.45 * VARIATION.grid / knots, mode="nearest")
    unit: Floats = noise / noise.std()
    return unit


def _jitter(rng: np.random.Generator, part: Ellipsoid, size: float) -> Ellipsoid:
    """Move an ellipsoid by about a millimetre (midline structures stay on the midline) and resize it by some 7 %."""
    sideways = float(part.centre[0] > 0)
    centre: Vector = tuple(part.centre + rng.normal(0, 1, 3) * (sideways, 1, 1))
    axes: Vector = tuple(np.array(part.axes) * size * rng.normal(1, 0.07, 3))
    return replace(part, centre=centre, axes=axes)
