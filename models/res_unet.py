"""ResUNet: a U-Net of pre-activation residual units.

Zhang et al., "Road Extraction by Deep Residual U-Net", 2018, https://arxiv.org/abs/1711.10684, in three dimensions.
Three strided stages instead of pooling, a bridge and three decoder stages, each one residual unit: twice (batch
normalisation, ReLU, 3^3 convolution) beside a projected skip. Widths 32, 64, 128, 256: 9,436,941 parameters for two
modalities and 45 classes.

Deviations from the paper:
- three dimensions, and half its widths (64 to 512): three-dimensional kernels hold three times the weights;
- the skips of the units are 3^3 convolutions with batch normalisation, as in the ports in common use: the paper speaks
  of an identity mapping, which no unit allows, since each changes its number of channels. `skip_kernel=1` gives the 1^3
  projection, 6,639,757 parameters;
- 2^3 transposed convolutions of equal channels in and out upsample; the paper does not say what does;
- logits, not the sigmoid of one class.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from models.parts.checks import check_patch_size
from models.parts.layout import arranged

Norm = Callable[[int], nn.Module]
NORMS: dict[str, Norm] = {"batch": nn.BatchNorm3d, "instance": partial(nn.InstanceNorm3d, affine=True)}


class ResUNet(nn.Module):
    """Deep residual U-Net.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 8 from 16.
        widths: Channels of each level; every level after the first halves the resolution.
        skip_kernel: Side of the kernels in the skips of the residual units, in voxels, odd.
        norm: `batch`, or `instance`: what batch norm is in training on one patch a step, and then in prediction too.

    Raises:
        ValueError: If the patch cannot be halved that often, or there is no such norm.
    """

    divisor = 8

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        widths: Sequence[int] = (32, 64, 128, 256),
        skip_kernel: int = 3,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        self.divisor = 2 ** (len(widths) - 1)
        check_patch_size("ResUNet", patch_size, self.divisor, smallest=2 * self.divisor)
        if norm not in NORMS:
            raise ValueError(f"ResUNet has no norm '{norm}': choose one of {', '.join(NORMS)}.")
        make = NORMS[norm]
        self.stem = _Stem(in_channels, widths[0], skip_kernel, make)
        self.encoder = nn.ModuleList(
            _ResidualUnit(above, below, skip_kernel, make, stride=2) for above, below in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.ConvTranspose3d(below, below, 2, stride=2) for below in widths[:0:-1])
        self.decoder = nn.ModuleList(
            _ResidualUnit(below + above, above, skip_kernel, make) for below, above in pairwise(widths[::-1])
        )
        self.head = nn.Conv3d(widths[0], out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        x = self.stem(arranged(x))
        skips = []
        for unit in self.encoder:
            skips.append(x)
            x = unit(x)
        for up, unit in zip(self.up, self.decoder, strict=True):
            x = unit(torch.cat((up(x), skips.pop()), dim=1))
        logits: Tensor = self.head(x)
        return logits


class _Stem(nn.Module):
    """The first unit: as the others, without normalising the image."""

    def __init__(self, in_channels: int, width: int, skip_kernel: int, norm: Norm) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(in_channels, width), norm(width), nn.ReLU(inplace=True), _convolution(width, width)
        )
        self.skip = _convolution(in_channels, width, skip_kernel)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.skip(x)  # type: ignore[no-any-return]


class _ResidualUnit(nn.Module):
    """Pre-activation unit: twice (batch normalisation, ReLU, convolution), beside a projected skip."""

    def __init__(self, in_channels: int, width: int, skip_kernel: int, norm: Norm, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm(in_channels),
            nn.ReLU(inplace=True),
            _convolution(in_channels, width, stride=stride),
            norm(width),
            nn.ReLU(inplace=True),
            _convolution(width, width),
        )
        self.skip = nn.Sequential(_convolution(in_channels, width, skip_kernel, stride), norm(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.skip(x)  # type: ignore[no-any-return]


def _convolution(in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> nn.Conv3d:
    return nn.Conv3d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
