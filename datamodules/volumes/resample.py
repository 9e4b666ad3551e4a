"""Bringing a volume from one grid onto another by their affines."""

import numpy as np
from scipy import ndimage

from datamodules.volumes.grid import Array, Box, Grid, Spacing, from_ras, ras_grid, to_ras, uncrop
from datamodules.volumes.unpack import MOST_VOXELS, OversizeError

EDGE = 1e-3
"""Float noise that a voxel centre on the edge of the field of view may have, in voxels."""
SAME_SIZE = 1e-5
"""Relative float noise of voxel sides: headers hold them in single precision."""


def resample(volume: Array, source: Grid, target: Grid, *, order: int, outside: float = 0) -> Array:
    """Sample `volume` at the voxel centres of another grid.

    Args:
        volume: `[X, Y, Z]` on `source`.
        source: Where its voxels lie.
        target: Where the result's voxels lie.
        order: 1 for images (trilinear), 0 for labels (nearest voxel).
        outside: Value beyond the field of view of `source`.

    Returns:
        A volume of the target's shape and of the same type; the very same voxels where only the order of the axes
        differs.
    """
    if ras_grid(source).coincides(target):
        return to_ras(volume, source)[0]
    if source.coincides(target):
        return volume
    between = np.linalg.inv(source.matrix) @ target.matrix
    sampled: Array = ndimage.affine_transform(
        # half a voxel of border keeps its value, as it belongs to the field of view
        np.pad(volume, 1, mode="edge"),
        between[:3, :3],
        between[:3, 3] + 1,
        output_shape=target.shape,
        order=order,
        cval=outside,
    )
    sampled[~field_of_view(source, target)] = outside
    return sampled


def return_labels(labels: Array, box: Box, stored: Grid, own: Grid) -> Array:
    """Bring labels from the cut RAS grid that networks see back to a file's own grid.

    Args:
        labels: `[X, Y, Z]` of the box.
        box: Where they lie in `stored`; outside it is background.
        stored: RAS grid.
        own: Any grid; each of its voxels takes the label of the nearest stored one, the very same where only the order
            of the axes differs.
    """
    return from_ras(resample(uncrop(labels, box, stored.shape), stored, ras_grid(own), order=0), own)


def field_of_view(source: Grid, target: Grid) -> Array:
    """Which voxels of `target` have their centre within a voxel of `source`: bool of the target's shape."""
    between = (np.linalg.inv(source.matrix) @ target.matrix).astype(np.float32)
    x, y, z = np.ogrid[tuple(slice(np.float32(side)) for side in target.shape)]
    inside = np.ones(target.shape, dtype=bool)
    for (a, b, c, start), side in zip(between, source.shape, strict=False):
        position = a * x + b * y + c * z + start
        inside &= (position >= -0.5 - EDGE) & (position <= side - 0.5 + EDGE)
    return inside


def with_spacing(grid: Grid, spacing: Spacing, tolerance: float = 0.0) -> Grid:
    """A grid over the same field of view, with the same axes and voxels of another size.

    Args:
        grid: Any; itself where its voxels have that size.
        spacing: Sides of the new voxels along its axes, in millimetres.
        tolerance: Relative difference of sides that counts as the same size.

    Raises:
        OversizeError: If there would be more voxels than an image of a head takes.
    """
    sides, wanted = np.array(grid.spacing), np.array(spacing)
    if (np.abs(sides - wanted) <= (tolerance + SAME_SIZE) * wanted).all():
        return grid
    counts = np.maximum(1, np.ceil(np.array(grid.shape) * sides / wanted - 1e-3))
    if counts.prod() > MOST_VOXELS:
        raise OversizeError(
            f"Its {grid} would be {' x '.join(f'{count:.4g}' for count in counts)} voxels of "
            f"{' x '.join(f'{side:g}' for side in spacing)} mm; expected at most {MOST_VOXELS:,}. Mend its header, or "
            "ask for larger voxels by --spacing."
        )
    shape = counts.astype(int)
    affine = grid.matrix.copy()
    affine[:3, :3] *= wanted / sides
    middle = grid.matrix @ [*((np.array(grid.shape) - 1) / 2), 1]
    affine[:3, 3] = (middle - affine @ [*((shape - 1) / 2), 0])[:3]
    return Grid.of(shape, affine)
