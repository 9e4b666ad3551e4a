"""Where voxels lie: grids, orientation to RAS, the foreground box, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
Spacing = tuple[float, float, float]
"""Voxel sides in millimetres."""


@dataclass(frozen=True)
class Grid:
    """A voxel grid in scanner space.

    Attributes:
        shape: Voxels along the three array axes.
        affine: 4 x 4, voxel indices to millimetres (RAS+), as nested tuples.
    """

    shape: tuple[int, int, int]
    affine: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, shape: Sequence[int], affine: Array) -> "Grid":
        """From an array shape and a 4 x 4 matrix."""
        x, y, z = (int(side) for side in shape)
        return cls((x, y, z), tuple(tuple(float(value) for value in row) for row in affine))

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Grid":
        """From its JSON form, to the last bit."""
        return cls.of(entry["shape"], np.array(entry["affine"]))

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The affine as an array."""
        return np.array(self.affine, dtype=np.float64)

    @property
    def spacing(self) -> Spacing:
        """Voxel sides in millimetres along the array axes."""
        x, y, z = nib.affines.voxel_sizes(self.matrix)
        return float(x), float(y), float(z)

    def __str__(self) -> str:
        spacing = " x ".join(f"{side:.3g}" for side in self.spacing)
        origin = ", ".join(f"{value:.4g}" for value in self.matrix[:3, 3])
        axes = "".join(nib.aff2axcodes(self.matrix))
        return f"{' x '.join(map(str, self.shape))} voxels of {spacing} mm ({axes}) from ({origin})"

    def coincides(self, other: "Grid", tolerance: float = 0.01) -> bool:
        """Whether both put every voxel within `tolerance` of a voxel side: float noise passes, a shift does not."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, side - 1) for side in self.shape], [1], indexing="ij")).reshape(4, -1)
        apart = np.abs((self.matrix - other.matrix) @ corners)[:3].max()
        return bool(apart <= tolerance * min(self.spacing))


def to_ras(volume: Array, grid: Grid) -> tuple[Array, Grid]:
    """Flip and permute the axes of `volume` to the closest RAS order; no voxel value changes."""
    turn = nib.io_orientation(grid.matrix)
    return nib.apply_orientation(volume, turn), ras_grid(grid)


def from_ras(volume: Array, grid: Grid) -> Array:
    """Undo `to_ras`: bring a RAS volume back to the axes of `grid`."""
    back = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.io_orientation(grid.matrix))
    turned: Array = nib.apply_orientation(volume, back)
    return turned


def ras_grid(grid: Grid) -> Grid:
    """The grid with its axes in RAS order, where `to_ras` brings a volume."""
    turn = nib.io_orientation(grid.matrix)
    shape = [0, 0, 0]
    for axis, target in enumerate(turn[:, 0].astype(int)):
        shape[target] = grid.shape[axis]
    return Grid.of(shape, grid.matrix @ nib.orientations.inv_ornt_aff(turn, grid.shape))


def bounding_box(mask: Array, margin: int = 0, *, share: float = 0) -> Box | None:
    """The smallest box around the true voxels, `margin` voxels wider where there is room; None if there is none.

    Args:
        mask: bool `[X, Y, Z]`.
        margin: Voxels.
        share: A plane counts only if more than this share of its voxels is true, so that noise doesn't.
    """
    sides = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.mean(axis=tuple(a for a in range(3) if a != axis)) > share)
        if not occupied.size:
            return None
        first, last = int(occupied[0]), int(occupied[-1]) + 1
        sides.append((max(first - margin, 0), min(last + margin, mask.shape[axis])))
    return sides[0], sides[1], sides[2]


def enclosing(boxes: Sequence[Box]) -> Box:
    """The smallest box around several."""
    x, y, z = ((min(first for first, _ in sides), max(last for _, last in sides)) for sides in zip(*boxes, strict=True))
    return x, y, z


def view_of(box: Box, grid: Grid) -> Spacing:
    """Sides of a box in millimetres."""
    x, y, z = ((last - first) * side for (first, last), side in zip(box, grid.spacing, strict=True))
    return x, y, z


def crop(volume: Array, box: Box) -> Array:
    """Cut the last three axes of `volume` to `box`."""
    x, y, z = (slice(first, last) for first, last in box)
    return volume[..., x, y, z]


def cropped(grid: Grid, box: Box) -> Grid:
    """Where the voxels of a volume lie that was cut to `box`."""
    affine = grid.matrix
    affine[:3, 3] = (affine @ [*(first for first, _ in box), 1])[:3]
    return Grid.of([last - first for first, last in box], affine)


def uncrop(volume: Array, box: Box, shape: Sequence[int]) -> Array:
    """Undo `crop` on a label volume: background (0) everywhere outside the box."""
    whole = np.zeros(tuple(shape), dtype=volume.dtype)
    crop(whole, box)[...] = volume
    return whole
