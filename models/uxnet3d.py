"""3D UX-Net.

Lee et al., "3D UX-Net: A Large Kernel Volumetric ConvNet Modernizing Hierarchical Transformer for Medical Image
Segmentation", ICLR 2023, arXiv:2209.15076.

A 7^3 convolution of stride 2; four stages of two blocks, with 48, 96, 192 and 384 channels at 1/2, 1/4, 1/8 and 1/16 of
the resolution; a residual block on each stage, the deepest to 768 channels; UNETR's decoder. 53,025,837 parameters for
2 -> 45 channels.

Deviations: from the released code none in what is computed; stochastic depth, whose rate is 0 there, is left out.
`parts/` computes it in less time and memory than its layers one by one would: `results/bench/README.md`.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from models.parts.blocks import Decoder, Pyramid
from models.parts.checks import check_lengths, check_patch_size
from models.parts.recomputing import recompute
from models.parts.uxnet import UXNetEncoder


class UXNet3D(nn.Module):
    """3D UX-Net on any number of modalities, stacked as channels.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 16 from 32.
        feature_sizes: Channels of the encoder's stages.
        hidden_size: Channels of the deepest skip.
        depths: UX-Net blocks of the stages.
        checkpointing: Compute activations again in the backward pass instead of keeping them.

    Raises:
        ValueError: If the patch cannot be halved four times, or there are not four stages.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        feature_sizes: Sequence[int] = (48, 96, 192, 384),
        hidden_size: int = 768,
        depths: Sequence[int] = (2, 2, 2, 2),
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_patch_size("UXNet3D", patch_size, self.divisor, smallest=32)
        check_lengths("UXNet3D", 4, feature_sizes=feature_sizes, depths=depths)
        widths = (*feature_sizes, hidden_size)
        self.pyramid = Pyramid(UXNetEncoder(in_channels, feature_sizes, depths), feature_sizes, widths[1:])
        self.decoder = Decoder(in_channels, out_channels, widths)
        if checkpointing:
            recompute(*self.pyramid.stages(), *self.decoder.stages())

    def forward(self, x: Tensor) -> Tensor:
        """Map an image `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.decoder(x, self.pyramid(x))
        return logits
