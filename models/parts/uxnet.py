"""The encoder of 3D UX-Net (Lee et al., ICLR 2023, arXiv:2209.15076), which cross fusion shares."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.parts.depthwise import depthwise
from models.parts.layout import arranged
from models.parts.pointwise_pair import scaled_pair


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each voxel of `[B, C, D, H, W]`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `[B, C, D, H, W]`."""
        return F.layer_norm(x.movedim(1, -1), self.weight.shape, self.weight, self.bias, eps=1e-6).movedim(-1, 1)


class UXNetBlock(nn.Module):
    """x + gamma * PWC(GELU(PWC(LN(DWC(x))))): DWC a 7^3 depthwise convolution, PWC a scaling of each channel alone.

    The layers hold the parameters; `depthwise.py` and `pointwise_pair.py` compute with them.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv3d(channels, channels, 7, padding=3, groups=channels)
        self.norm = ChannelNorm(channels)
        self.expand = nn.Conv3d(channels, 4 * channels, 1, groups=channels)
        self.reduce = nn.Conv3d(4 * channels, channels, 1, groups=channels)
        self.gamma = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, D, H, W]` to the same shape."""
        pair = (weights for layer in (self.norm, self.expand, self.reduce) for weights in layer.parameters())
        return scaled_pair(depthwise(x, *self.depthwise.parameters()), arranged(x), *pair, self.gamma)


class UXNetEncoder(nn.Module):
    """Stem, then stages of UX-Net blocks, each stage's output normalised.

    Args:
        in_channels: Modalities.
        stages: Channels of the stages.
        depths: Blocks of the stages.
    """

    def __init__(self, in_channels: int, stages: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv3d(in_channels, stages[0], 7, stride=2, padding=3), ChannelNorm(stages[0]))
        downs = (
            nn.Sequential(ChannelNorm(above), nn.Conv3d(above, here, 2, stride=2))
            for above, here in itertools.pairwise(stages)
        )
        self.downs = nn.ModuleList((stem, *downs))
        self.stages = nn.ModuleList(
            nn.Sequential(*(UXNetBlock(channels) for _ in range(depth)))
            for channels, depth in zip(stages, depths, strict=True)
        )
        self.norms = nn.ModuleList(ChannelNorm(channels) for channels in stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map `[B, M, D, H, W]` to the stages' outputs at 1/2, 1/4, 1/8, 1/16 of its resolution."""
        outputs = []
        for down, stage, norm in zip(self.downs, self.stages, self.norms, strict=True):
            x = stage(down(x))
            outputs.append(norm(x))
        return outputs
