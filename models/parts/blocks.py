"""What 3D UX-Net and cross fusion share: an encoder's features mapped to skips, and the decoder they enter.

MONAI's blocks hold the parameters, under MONAI's names; they are computed from `convolution.py` and `instance_norm.py`.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from monai.networks.blocks.dynunet_block import UnetOutBlock, UnetResBlock
from monai.networks.blocks.unetr_block import UnetrUpBlock
from torch import Tensor, nn

from models.parts.convolution import convolve
from models.parts.instance_norm import normalised, normalised_leaky, normalised_residual
from models.parts.layout import arranged


class ResidualBlock(nn.Module):
    """UNETR's residual block: two 3^3 convolutions with instance norm and leaky ReLU, and a shortcut.

    Args:
        inputs: Channels in.
        outputs: Channels out; where they differ, the shortcut is a 1^3 convolution with instance norm.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layer = UnetResBlock(3, inputs, outputs, kernel_size=3, stride=1, norm_name="instance")

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, D, H, W]` to `[B, O, D, H, W]`."""
        return _residual(self.layer, x)


class UpBlock(nn.Module):
    """UNETR's decoder block: a 2^3 transposed convolution, the skip concatenated, a residual block.

    Args:
        inputs: Channels of the level below.
        outputs: Channels of the skip and of the output.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        block = UnetrUpBlock(
            3, inputs, outputs, kernel_size=3, upsample_kernel_size=2, norm_name="instance", res_block=True
        )
        self.transp_conv, self.conv_block = block.transp_conv, block.conv_block

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Join the level below, `[B, C, D, H, W]`, with the skip, `[B, O, 2 D, 2 H, 2 W]`."""
        raised = arranged(self.transp_conv(arranged(x)))
        return _residual(self.conv_block, torch.cat((raised, arranged(skip)), dim=1))


class Pyramid(nn.Module):
    """An encoder whose stages each pass a residual block: image in, one feature map a level out.

    Args:
        encoder: Maps an image to its stages' outputs, each at half the resolution of the one before; `ENCODERS`.
        stages: Channels of the encoder's stages.
        levels: Channels of the feature maps.
    """

    def __init__(self, encoder: Any, stages: Sequence[int], levels: Sequence[int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.skips = nn.ModuleList(ResidualBlock(a, b) for a, b in zip(stages, levels, strict=True))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map `[B, M, D, H, W]` to features at 1/2, 1/4, 1/8, 1/16 of its resolution."""
        return [skip(stage) for skip, stage in zip(self.skips, self.encoder(x), strict=True)]

    def stages(self) -> Iterator[nn.Module]:
        """What activation checkpointing may compute again."""
        yield from (*self.encoder.stages, *self.skips)


class Decoder(nn.Module):
    """UNETR's decoder with the skip at full resolution: the image and the features of each level in, logits out.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        widths: Channels from full resolution down to the deepest level.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.entry = ResidualBlock(in_channels, widths[0])
        self.ups = nn.ModuleList(UpBlock(below, here) for below, here in itertools.pairwise(reversed(widths)))
        self.last = ResidualBlock(widths[0], widths[0])
        self.classify = UnetOutBlock(3, widths[0], out_channels)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Map the image `[B, M, D, H, W]` and the features, finest first, to logits `[B, K, D, H, W]`."""
        *skips, x = self.entry(image), *features
        for up in self.ups:
            x = up(x, skips.pop())
        return convolve(self.last(x), *self.classify.parameters()).contiguous()  # as the loss takes it fastest

    def stages(self) -> Iterator[nn.Module]:
        """What activation checkpointing may compute again."""
        yield from (self.entry, *self.ups, self.last)


def _residual(block: Any, x: Tensor) -> Tensor:
    """Compute a `UnetResBlock`: leaky(IN(conv(leaky(IN(conv(x))))) + shortcut), which is x or IN(conv(x))."""
    x = arranged(x)
    inner = normalised_leaky(convolve(x, *block.conv1.parameters()))
    shortcut = normalised(convolve(x, *block.conv3.parameters())) if block.downsample else x
    return normalised_residual(convolve(inner, *block.conv2.parameters()), shortcut)
