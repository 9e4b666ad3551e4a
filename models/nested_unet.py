"""NestedUNet (UNet++): U-Nets of depth 1 to 4 nested in one another through dense skip connections.

Zhou et al., "UNet++: A Nested U-Net Architecture for Medical Image Segmentation", 2018,
https://arxiv.org/abs/1807.10165, in three dimensions, as MONAI's BasicUNetPlusPlus implements it. Features 32, 64, 128,
256, 512, the paper's: 26,384,141 parameters for two modalities and 45 classes.

Deviations from the paper, all MONAI's unless said:
- three dimensions instead of two;
- transposed convolutions upsample, instead of linear interpolation; those of the levels below the first halve their
  channels;
- instance normalisation (affine) and LeakyReLU of slope 0.1, instead of batch normalisation and ReLU;
- no deep supervision (this suite): only the deepest of the four full-resolution nodes is read out. The three other 1^3
  convolutions (4,455 parameters, 26,388,596 with them) would get no gradient and are left out.
"""

from collections.abc import Sequence

from monai.networks import nets
from torch import Tensor, nn

from models.parts.checks import check_lengths, check_patch_size


class NestedUNet(nn.Module):
    """MONAI's three-dimensional UNet++, read out at its deepest node.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 16 from 32.
        features: Channels of the five levels, then those of the last node.

    Raises:
        ValueError: If a side of the patch is no multiple of 16 or below 32, or if there are not six features.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        features: Sequence[int] = (32, 64, 128, 256, 512, 32),
    ) -> None:
        super().__init__()
        check_patch_size("NestedUNet", patch_size, self.divisor, smallest=32)
        check_lengths("NestedUNet", 6, features=features)
        self.network = nets.BasicUNetPlusPlus(3, in_channels, out_channels, features)
        for node in (1, 2, 3):
            setattr(self.network, f"final_conv_0_{node}", nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        (logits,) = self.network(x)  # a list even without deep supervision
        return logits  # type: ignore[no-any-return]
