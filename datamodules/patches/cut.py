"""Cutting a training patch: one gather and interpolation for all modalities and the label, on any device.

The paper's augmentation rotates about the third axis only and scales along the axes, so the warp separates. In the X-Y
plane each point of the patch is a weighted sum of the four columns around it, and a column of the volume is contiguous
along Z: this is `embedding_bag`. Along Z the interpolation is a product with a banded matrix. Only the box that the
patch reaches into is read, so a memory-mapped volume costs what the patch covers, whatever its own size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules.patches.augmentation import apply_intensity
from datamodules.patches.draws import PatchDraw, candidate_centres

TRIES = 64  # voxels looked at for a centre: at 10 % foreground, 1 patch in 850 finds none and takes the first


def cut_patch(
    image: Tensor, label: Tensor, draw: PatchDraw, patch_size: Sequence[int], partners: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Cut what a draw describes out of one subject.

    The patch lies inside the volume where that is large enough; what it reaches for outside of it is 0. Intensities are
    interpolated linearly, labels taken from the nearest voxel.

    Args:
        image: `[M, X, Y, Z]`, any float type, on any device; may be a view of a memory map.
        label: Class indices, uint8 `[X, Y, Z]`, on the same device.
        draw: What is random about it.
        patch_size: `[D, H, W]` in voxels.
        partners: Class index of each class's mirror structure; needed where patches are mirrored.

    Returns:
        The image `[M, D, H, W]` in float32, and its label, uint8 `[D, H, W]`.

    Raises:
        ValueError: If image and label differ in shape, or a mirrored patch comes without partners.
    """
    if image.shape[1:] != label.shape:
        raise ValueError(f"Image {tuple(image.shape[1:])} and label {tuple(label.shape)} must have the same shape.")
    warp = _Warp.of(draw, find_corner(label, draw, patch_size), patch_size, label.shape)
    patch, labels = _interpolate(image, warp), _nearest(label, warp)
    if draw.mirror:
        labels = _swap_sides(labels, partners)
    return apply_intensity(patch, draw.intensity), labels


def find_corner(label: Tensor, draw: PatchDraw, patch_size: Sequence[int]) -> tuple[int, ...]:
    """Lowest corner of a patch whose centre is a structure (or background) voxel, moved to lie inside the volume.

    Voxels drawn at random are tried in turn, so the cost does not depend on the size of the volume.
    """
    centres = candidate_centres(draw.key, tuple(label.shape), TRIES)
    fits = (label[tuple(torch.from_numpy(centres.T).to(label.device))] > 0).cpu().numpy() == draw.positive
    centre = centres[int(fits.argmax())].tolist()
    return tuple(_inside(*sizes) for sizes in zip(centre, patch_size, label.shape, strict=True))


@dataclass(frozen=True)
class _Warp:
    """Where the voxels of a patch lie in the box of the volume that they reach into.

    Attributes:
        box: That box.
        matrix: Maps offsets from the middle of the patch to offsets in the volume, `[3, 3]`.
        middle: Of the patch, in voxels of the box.
        patch_size: `[D, H, W]`.
    """

    box: tuple[slice, slice, slice]
    matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    middle: tuple[float, float, float]
    patch_size: tuple[int, int, int]

    @classmethod
    def of(cls, draw: PatchDraw, corner: Sequence[int], patch_size: Sequence[int], shape: Sequence[int]) -> "_Warp":
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


def _interpolate(image: Tensor, warp: _Warp) -> Tensor:
    x, y = warp.plane(image.device)
    volume = image[:, *warp.box].float().contiguous()
    modalities, length, width, height = volume.shape
    (x_index, x_weight), (y_index, y_weight) = _two_nearest(x, length), _two_nearest(y, width)
    columns = (x_index[:, :, None] * width + y_index[:, None, :]).flatten(1)
    weights = (x_weight[:, :, None] * y_weight[:, None, :]).flatten(1)
    levels = torch.arange(height, device=image.device)
    along_z = (1 - (levels[:, None] - warp.line(image.device)).abs()).clamp_(min=0)
    patch = torch.empty((modalities, len(x), warp.patch_size[2]), device=image.device)
    for table, rows in zip(volume.view(modalities, -1, height), patch, strict=True):
        torch.mm(F.embedding_bag(columns, table, mode="sum", per_sample_weights=weights), along_z, out=rows)
    return patch.view(modalities, *warp.patch_size)


def _nearest(label: Tensor, warp: _Warp) -> Tensor:
    volume = label[warp.box]
    positions = (*warp.plane(label.device), warp.line(label.device))
    rounded = [position.round().long() for position in positions]
    inside = [(index >= 0) & (index < side) for index, side in zip(rounded, volume.shape, strict=True)]
    x, y, z = (index.clamp(0, side - 1) for index, side in zip(rounded, volume.shape, strict=True))
    columns = volume.reshape(-1, volume.shape[2]).index_select(0, x * volume.shape[1] + y)
    labels = columns.index_select(1, z) * inside[2]
    return labels.mul_((inside[0] & inside[1])[:, None]).view(warp.patch_size)


def _two_nearest(position: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Indices and weights, each `[N, 2]`, of linear interpolation along one axis; outside of it the weight is 0."""
    index = position.floor()[:, None] + torch.arange(2, device=position.device)
    weight = (1 - (index - position[:, None]).abs()) * ((index >= 0) & (index < length))
    return index.long().clamp_(0, length - 1), weight


def _offsets(side: int, device: torch.device) -> Tensor:
    return torch.arange(side, dtype=torch.float32, device=device) - (side - 1) / 2


def _inside(centre: int, side: int, length: int) -> int:
    """Start of a patch along one axis: inside the volume, or around the whole of it where it is the smaller."""
    if length < side:
        return -((side - length) // 2)
    return min(max(centre - side // 2, 0), length - side)


def _swap_sides(labels: Tensor, partners: Sequence[int] | None) -> Tensor:
    if partners is None:
        raise ValueError("A mirrored patch needs the partners of its classes: else left would be labelled as right.")
    return torch.tensor(partners, dtype=torch.uint8, device=labels.device)[labels.long()]
