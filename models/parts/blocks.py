"""What 3D UX-Net and cross fusion share: an encoder's features mapped to skips, and the decoder they enter."""

import itertools
from collections.abc import Sequence

from monai.networks.blocks.dynunet_block import UnetOutBlock
from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrUpBlock
from torch import Tensor, nn


def residual_block(inputs: int, outputs: int) -> nn.Module:
    """UNETR's residual block: two 3^3 convolutions with instance norm and leaky ReLU, and a shortcut."""
    block: nn.Module = UnetrBasicBlock(
        3, inputs, outputs, kernel_size=3, stride=1, norm_name="instance", res_block=True
    )
    return block


class Pyramid(nn.Module):
    """An encoder whose stages each pass a residual block: image in, one feature map a level out.

    Args:
        encoder: Maps an image to its stages' outputs, each at half the resolution of the one before.
        stages: Channels of the encoder's stages.
        levels: Channels of the feature maps.
    """

    def __init__(self, encoder: nn.Module, stages: Sequence[int], levels: Sequence[int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.skips = nn.ModuleList(residual_block(a, b) for a, b in zip(stages, levels, strict=True))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map `[B, M, D, H, W]` to features at 1/2, 1/4, 1/8, 1/16 of its resolution."""
        return [skip(stage) for skip, stage in zip(self.skips, self.encoder(x), strict=True)]


class Decoder(nn.Module):
    """UNETR's decoder with the skip at full resolution: the image and the features of each level in, logits out.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        widths: Channels from full resolution down to the deepest level.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.entry = residual_block(in_channels, widths[0])
        self.ups = nn.ModuleList(_up_block(below, here) for below, here in itertools.pairwise(reversed(widths)))
        self.last = residual_block(widths[0], widths[0])
        self.classify = UnetOutBlock(3, widths[0], out_channels)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Map the image `[B, M, D, H, W]` and the features, finest first, to logits `[B, K, D, H, W]`."""
        *skips, x = self.entry(image), *features
        for up in self.ups:
            x = up(x, skips.pop())
        logits: Tensor = self.classify(self.last(x))
        return logits


def _up_block(inputs: int, outputs: int) -> nn.Module:
    block: nn.Module = UnetrUpBlock(
        3, inputs, outputs, kernel_size=3, upsample_kernel_size=2, norm_name="instance", res_block=True
    )
    return block
