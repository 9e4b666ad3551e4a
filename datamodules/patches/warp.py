"""Where the voxels of a training patch lie in its volume: a rotation about the third axis, and a scaling of each.

Such a warp separates: in the X-Y plane a column of the patch is a weighted sum of the four columns around it, and along
Z all columns are interpolated alike. Positions are made of plain numbers: a device is sent nothing and asked nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from datamodules.patches.draws import PatchDraw

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Warp:
    """Where the voxels of a patch lie in the box of the volume that they reach into.

    Attributes:
        box: That box: a memory-mapped volume costs what the patch covers, whatever its own size.
        matrix: Maps offsets from the middle of the patch to offsets in the volume, `[3, 3]`.
        middle: Of the patch, in voxels of the box.
        patch_size: `[D, H, W]`.
    """

    box: Box
    matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    middle: tuple[float, float, float]
    patch_size: tuple[int, int, int]

    @classmethod
    def of(cls, draw: PatchDraw, corner: Sequence[int], patch_size: Sequence[int], shape: Sequence[int]) -> "Warp":
        """The warp of a patch whose lowest corner, before it is turned and scaled, lies at `corner` of `shape`."""
        sine, cosine = np.sin(draw.angle), np.cos(draw.angle)
        scales = np.array(draw.scales) * [-1 if draw.mirror else 1, 1, 1]
        matrix = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) * scales
        half = (np.array(patch_size) - 1) / 2
        middle, reach = corner + half, np.abs(matrix) @ half
        low = np.clip(np.floor(middle - reach), 0, None).astype(int)
        high = np.minimum(np.floor(middle + reach).astype(int) + 2, shape)
        x, y, z = (slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
        depth, height, width = patch_size
        return cls((x, y, z), matrix, tuple((middle - low).tolist()), (depth, height, width))

    @property
    def reach(self) -> tuple[int, int, int]:
        """Sides of the box."""
        x, y, z = (span.stop - span.start for span in self.box)
        return x, y, z

    def plane(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Positions along X and Y of every column of the patch, each `[D * H]`."""
        along_x, along_y = (_offsets(side, device) for side in self.patch_size[:2])
        x, y = (
            (row[0] * along_x[:, None] + row[1] * along_y + middle).reshape(-1)
            for row, middle in zip(self.matrix.tolist()[:2], self.middle[:2], strict=True)
        )
        return x, y

    def line(self, device: torch.device) -> Tensor:
        """Positions along Z of the patch's slices, `[W]`."""
        return float(self.matrix[2, 2]) * _offsets(self.patch_size[2], device) + self.middle[2]


def two_nearest(position: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Indices and weights, each `[..., 2]`, of linear interpolation along one axis; outside of it the weight is 0."""
    index = position.floor()[..., None] + torch.arange(2, device=position.device)
    weight = (1 - (index - position[..., None]).abs()) * ((index >= 0) & (index < length))
    return index.long().clamp_(0, length - 1), weight


def columns_around(x: Tensor, y: Tensor, sides: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Which four columns of a plane of `sides` surround each position, and their weights: each `[..., 4]`."""
    (x_index, x_weight), (y_index, y_weight) = two_nearest(x, sides[0]), two_nearest(y, sides[1])
    columns = x_index[..., :, None] * sides[1] + y_index[..., None, :]
    return columns.flatten(-2), (x_weight[..., :, None] * y_weight[..., None, :]).flatten(-2)


def nearest(position: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The nearest index along one axis, and whether it lies inside."""
    rounded = position.round().long()
    return rounded.clamp(0, length - 1), (rounded >= 0) & (rounded < length)


def _offsets(side: int, device: torch.device) -> Tensor:
    return torch.arange(side, dtype=torch.float32, device=device) - (side - 1) / 2
