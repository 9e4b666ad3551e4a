"""A volume moved as a `Displacement` says."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules.patches.misalignment import Displacement


def displace(volume: Tensor, displacement: Displacement, spacing_mm: Sequence[float]) -> Tensor:
    """Move what a volume shows, interpolated linearly; what comes in from outside is the edge's value.

    Args:
        volume: `[D, H, W]`, any float type, on any device.
        displacement: How.
        spacing_mm: Sides of a voxel along each axis.

    Returns:
        float32 `[D, H, W]`.
    """
    sides, spacing = np.array(volume.shape, np.float64), np.array(spacing_mm, np.float64)
    back = displacement.matrix().T  # each voxel asks where it came from
    from_voxels = back * spacing / spacing[:, None]
    start = -(back @ np.array(displacement.shift_mm)) / spacing
    # affine_grid has the last axis first, and the edges of the outer voxels at -1 and 1
    turned = (from_voxels * sides / sides[:, None])[::-1, ::-1]
    theta = torch.from_numpy(np.hstack([turned, (2 * start / sides)[::-1, None]])).float()[None]
    grid = F.affine_grid(theta.to(volume.device), [1, 1, *volume.shape], align_corners=False)
    moved = F.grid_sample(volume.float()[None, None], grid, padding_mode="border", align_corners=False)
    return moved[0, 0]
