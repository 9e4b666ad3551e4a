"""A batch of patches at once, for devices where starting a computation costs more than doing it.

The boxes that the patches reach into are stacked, and nothing is read back, so that the device never waits.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules.patches.warp import Warp, columns_around, nearest, two_nearest


def interpolate_together(images: Sequence[Tensor], warps: Sequence[Warp]) -> Tensor:
    """Interpolate linearly.

    Args:
        images: The volume of each patch, `[M, X, Y, Z]`.
        warps: Of each patch.

    Returns:
        `[B, M, D, H, W]`, float32.
    """
    boxes = [image[:, *warp.box].permute(1, 2, 0, 3) for image, warp in zip(images, warps, strict=True)]
    table = _stacked(boxes, torch.float32)
    batch, width, height, modalities, depth = table.shape
    columns, weights = columns_around(*_planes(warps, table.device), (width, height))
    columns = columns + _first_columns(table)[..., None]
    rows = F.embedding_bag(
        columns.flatten(0, 1), table.view(-1, modalities * depth), mode="sum", per_sample_weights=weights.flatten(0, 1)
    ).view(batch, -1, modalities, depth)
    index, share = two_nearest(_lines(warps, table.device), depth)
    below, above = (
        rows.gather(3, index[:, None, None, :, side].expand(*rows.shape[:3], -1)) * share[:, None, None, :, side]
        for side in range(2)
    )
    return (below + above).transpose(1, 2).reshape(batch, modalities, *warps[0].patch_size)


def nearest_together(labels: Sequence[Tensor], warps: Sequence[Warp]) -> Tensor:
    """Take the nearest voxels of labels `[X, Y, Z]`: uint8 `[B, D, H, W]`."""
    table = _stacked([label[warp.box] for label, warp in zip(labels, warps, strict=True)], torch.uint8)
    positions = (*_planes(warps, table.device), _lines(warps, table.device))
    (x, inside_x), (y, inside_y), (z, inside_z) = map(nearest, positions, table.shape[1:])
    columns = x * table.shape[2] + y + _first_columns(table)
    rows = table.flatten(0, 2).index_select(0, columns.flatten()).view(*columns.shape, -1)
    found = rows.gather(2, z[:, None].expand(-1, rows.shape[1], -1))
    inside = (inside_x & inside_y)[:, :, None] & inside_z[:, None]
    return (found * inside).view(-1, *warps[0].patch_size)


def _stacked(boxes: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    """Boxes as one tensor, `[B, ...]`, zero beyond each one's own."""
    sides = [max(lengths) for lengths in zip(*(box.shape for box in boxes), strict=True)]
    stacked = torch.zeros((len(boxes), *sides), dtype=dtype, device=boxes[0].device)
    for place, box in zip(stacked, boxes, strict=True):
        place[tuple(map(slice, box.shape))] = box
    return stacked


def _planes(warps: Sequence[Warp], device: torch.device) -> tuple[Tensor, Tensor]:
    """Positions along X and Y of the columns of all patches, each `[B, D * H]`."""
    x, y = (torch.stack(positions) for positions in zip(*(warp.plane(device) for warp in warps), strict=True))
    return x, y


def _lines(warps: Sequence[Warp], device: torch.device) -> Tensor:
    """Positions along Z of the slices of all patches, `[B, W]`."""
    return torch.stack([warp.line(device) for warp in warps])


def _first_columns(table: Tensor) -> Tensor:
    """Where the columns of each box `[x, y, ...]` begin among those of all, `[B, 1]`."""
    return torch.arange(len(table), device=table.device)[:, None] * (table.shape[1] * table.shape[2])
