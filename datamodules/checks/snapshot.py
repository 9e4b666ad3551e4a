"""Mid-slices of a subject: what an eye needs to see whether PET, MR and label map lie on each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datamodules.volumes.grid import Array, bounding_box


@dataclass(frozen=True)
class Plane:
    """One slice, both axes to the right and up (or front).

    Attributes:
        images: `[M, A, B]` in [0, 1].
        label: `[A, B]` class indices.
        spacing: Millimetres along A and B.
    """

    images: Array
    label: Array
    spacing: tuple[float, float]


@dataclass(frozen=True)
class Snapshot:
    """Sagittal, coronal and axial mid-slices of a subject; none where it couldn't be read.

    Attributes:
        subject: Its id.
        modalities: Names of the images.
        planes: The slices.
    """

    subject: str
    modalities: tuple[str, ...]
    planes: tuple[Plane, ...]


def mid_planes(images: Array, label: Array, spacing: Sequence[float]) -> tuple[Plane, ...]:
    """Cut slices through the middle of the structures, or of the volume where there is none.

    Args:
        images: `[M, X, Y, Z]` in [0, 1], RAS.
        label: `[X, Y, Z]` class indices.
        spacing: Voxel sides in millimetres.
    """
    x, y, z = label.shape
    box = bounding_box(label > 0) or ((0, x), (0, y), (0, z))
    planes = []
    for axis, (first, last) in enumerate(box):
        middle = (first + last) // 2
        across = [spacing[other] for other in range(3) if other != axis]
        plane = np.take(images, middle, axis=axis + 1)
        planes.append(Plane(plane, np.take(label, middle, axis=axis), (across[0], across[1])))
    return tuple(planes)
