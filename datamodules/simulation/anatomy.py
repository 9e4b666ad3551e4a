"""New anatomies from real ones: a label map under a random affine and a random diffeomorphic warp.

The warp is the flow of a stationary velocity field, integrated by scaling and squaring (Arsigny et al., "A
log-Euclidean framework for statistics on diffeomorphisms", MICCAI 2006), so it neither folds nor tears.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray
from scipy import ndimage

from datamodules.labels.protocol import LabelRange, load_protocol, whole_numbers
from datamodules.simulation.random_fields import Floats, resample_axis, upsample

HEAD = range(500, 1000)
"""Ids of extra-cerebral tissue: it has an intensity and is background of the task."""

SYNTHSEG_FOLDS = (
    *(LabelRange(label, label, 77) for label in (25, 57)),
    *(LabelRange(label, label, 31) for label in (136, 137)),
    *(LabelRange(label, label, 63) for label in (163, 164)),
)
"""Ids of SynthSeg's published training maps: lesions of either side, and parts of the choroid plexus."""

FIELD_OF_VIEW = 256.0
"""Edge in millimetres of the cube on which the warp is drawn; beyond it the border's displacement holds."""


@dataclass(frozen=True)
class Variation:
    """How far a new anatomy may be from its source.

    Attributes:
        rotation: Largest rotation about the left-right axis, in degrees; about the two others 0.6 of it.
        scaling: Largest relative change of size; of each axis against the others half of it.
        shear: Largest shear.
        shift: Largest translation along an axis, in millimetres.
        velocity: Standard deviation of the velocity field at its coarse knots (43 mm apart), in millimetres.
        knots: Coarse knots along an axis of the field of view.
        grid: Samples along an axis on which the warp is integrated.
        squarings: Steps of scaling and squaring.
    """

    rotation: float = 8.0
    scaling: float = 0.07
    shear: float = 0.03
    shift: float = 5.0
    velocity: float = 3.0
    knots: int = 7
    grid: int = 48
    squarings: int = 5


@dataclass(frozen=True)
class SourceAnatomy:
    """A real label map as read from its file.

    Attributes:
        labels: int16 [X, Y, Z], ids of the protocol aseg45 and of head tissue (500 to 999).
        to_voxel: 4 x 4 matrix from millimetres (RAS, origin in the brain's centroid) to voxel indices.
    """

    labels: NDArray[np.int16]
    to_voxel: NDArray[np.float64]


def read_anatomy(path: Path) -> SourceAnatomy:
    """Read a FreeSurfer-labelled map of any orientation and voxel size; parcels are folded into aseg's structures.

    Raises:
        ValueError: The map holds unknown ids, fractions, no brain, or is not a volume; the file is named.
        OSError: The file cannot be read.
    """
    try:
        image = nib.load(path)
        if not isinstance(image, SpatialImage):
            raise ValueError("this is no volume.")
        labels = fold_to_aseg(np.asarray(image.dataobj))
    except (ValueError, EOFError, zlib.error, ImageFileError) as error:
        raise ValueError(f"{path}: {error}") from error
    brain = np.argwhere((labels > 0) & (labels < HEAD.start))
    if labels.ndim != 3 or not len(brain):
        raise ValueError(f"{path}: expected a 3-D map with brain structures, found none in shape {labels.shape}.")
    to_millimetres = np.array(image.affine, np.float64)
    to_millimetres[:3, 3] -= apply_affine(image.affine, brain.mean(0))
    return SourceAnatomy(labels, np.linalg.inv(to_millimetres).astype(np.float64))


def fold_to_aseg(labels: NDArray[np.generic]) -> NDArray[np.int16]:
    """Fold parcels and SynthSeg's training ids into the structures of aseg45; ids of head tissue stay.

    Raises:
        UnknownLabelError: An id is neither known nor head tissue.
        ValueError: A value is not a whole number.
    """
    aseg = load_protocol("aseg45")
    protocol = replace(aseg, name="aseg45 and SynthSeg's training maps", folds=aseg.folds + SYNTHSEG_FOLDS)
    whole = whole_numbers(labels)
    head = (whole >= HEAD.start) & (whole < HEAD.stop)
    brain = np.where(head, whole.dtype.type(0), whole)
    folded = protocol.to_labels(protocol.to_indices(brain))
    folded[head] = whole[head]
    return folded


def vary(
    source: SourceAnatomy,
    seed: int | Sequence[int],
    size: int,
    spacing: float,
    *,
    variation: Variation = Variation(),
) -> NDArray[np.int16]:
    """Draw a new anatomy from a real one.

    The same seed gives the same anatomy on every grid.

    Args:
        source: The real label map.
        seed: Seed of the affine and the warp.
        size: Voxels along each axis of the cube returned.
        spacing: Edge of a voxel, in millimetres.
        variation: How far the new anatomy may be from its source.

    Returns:
        Labels [X, Y, Z] in RAS orientation, the brain in the centre, taken from the nearest voxel of the source.
    """
    rng = np.random.default_rng(seed)
    matrix = source.to_voxel @ random_affine(rng, variation)
    displacement = random_displacement(rng, variation)
    axis = (np.arange(size) - (size - 1) / 2) * spacing
    knots = (axis / FIELD_OF_VIEW + 0.5) * (variation.grid - 1)
    displacement = resample_axis(resample_axis(displacement, knots, 3), knots, 2)
    labels = np.zeros((size,) * 3, np.int16)
    for i in range(size):  # plane by plane: the work stays in the processor's cache
        moved = resample_axis(displacement, knots[i : i + 1], 1)[:, 0]
        moved += np.stack(np.broadcast_arrays(axis[i], axis[:, None], axis[None]))
        labels[i] = _nearest(source.labels, matrix.astype(np.float32), moved)
    return labels


def _nearest(labels: NDArray[np.int16], matrix: Floats, points: Floats) -> NDArray[np.int16]:
    """Labels at `points` [3, Y, Z] millimetres; 0 outside the map."""
    inside = np.ones(points.shape[1:], bool)
    flat = np.zeros(points.shape[1:], np.intp)
    for row, extent in zip(matrix[:3], labels.shape, strict=True):
        index = np.rint(row[0] * points[0] + row[1] * points[1] + row[2] * points[2] + row[3]).astype(np.intp)
        inside &= (index >= 0) & (index < extent)
        flat = flat * extent + np.clip(index, 0, extent - 1)
    return np.where(inside, labels.reshape(-1)[flat], np.int16(0))


def random_affine(rng: np.random.Generator, variation: Variation) -> NDArray[np.float64]:
    """Draw a 4 x 4 matrix from the new anatomy's millimetres to the source's, both about the brain's centroid."""
    angles = np.deg2rad(rng.uniform(-1, 1, 3) * variation.rotation * np.array([1.0, 0.6, 0.6]))
    scales = (1 + rng.uniform(-1, 1) * variation.scaling) * (1 + rng.uniform(-1, 1, 3) * variation.scaling / 2)
    shears = np.eye(3) + np.triu(rng.uniform(-1, 1, (3, 3)) * variation.shear, 1)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(angles) @ np.diag(scales) @ shears
    matrix[:3, 3] = rng.uniform(-1, 1, 3) * variation.shift
    return matrix


def rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z, by angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[[first, second], [first, second]] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def random_displacement(rng: np.random.Generator, variation: Variation) -> Floats:
    """Draw a diffeomorphic displacement, [3, G, G, G] millimetres on the field of view."""
    grid = (variation.grid,) * 3
    velocity = np.zeros((3, *grid), np.float32)
    for knots, share in ((variation.knots, 1.0), (2 * variation.knots, 0.35)):
        noise = rng.standard_normal((3, knots, knots, knots), np.float32)
        velocity += upsample(noise, grid) * np.float32(share * variation.velocity)
    smooth = ndimage.gaussian_filter(velocity, (0, 1.2, 1.2, 1.2), mode="nearest", truncate=3)
    return integrate(smooth, FIELD_OF_VIEW / (variation.grid - 1), variation.squarings)


def integrate(velocity: Floats, spacing: float, squarings: int) -> Floats:
    """Displacement after unit time of the flow of a stationary velocity field [3, D, H, W], by scaling and squaring."""
    identity = np.indices(velocity.shape[1:], np.float32)
    displacement = velocity / np.float32(2**squarings)
    for _ in range(squarings):
        there = identity + displacement / np.float32(spacing)
        onward = [ndimage.map_coordinates(component, there, order=1, mode="nearest") for component in displacement]
        displacement = displacement + np.stack(onward)
    return displacement
