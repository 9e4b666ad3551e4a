"""MedNeXt: a ConvNeXt made for volumes, with residual inverted bottlenecks that also resample.

Roy et al., "MedNeXt: Transformer-driven Scaling of ConvNets for Medical Image Segmentation", 2023,
https://arxiv.org/abs/2303.09975, as MONAI implements it. Defaults are the published MedNeXt-M with 3^3 kernels: width
32, expansions 2, 3, 4, 4, 4 and 3, 4, 4, 4, 4 blocks from the top to the bottleneck, mirrored in the decoder;
17,534,957 parameters for two modalities and 45 classes (the paper, for its own data sets: 17.6 million). Not among the
networks of the PET/MR paper: added as a convolutional baseline of today.

Deviations:
- MONAI expands the channels in each downsampling block by the ratio of the level above it, the authors' code by that of
  the level below;
- no deep supervision, as for every network of this suite;
- trained from scratch with 3^3 kernels: the paper's 5^5^5 form starts from such weights ("UpKern"), which is left out.
"""

from collections.abc import Sequence

from monai.networks import nets
from torch import Tensor, nn

from models.parts.checks import check_lengths, check_patch_size


class MedNeXt(nn.Module):
    """MONAI's MedNeXt, symmetric about its bottleneck.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 16 from 32.
        width: Channels at full resolution, doubled at each level.
        expansion: Expansion ratio of the blocks at each of the five levels.
        blocks: Blocks at each of the five levels.
        kernel_size: Side of the depthwise kernels, in voxels.

    Raises:
        ValueError: If a side of the patch is no multiple of 16 or below 32, or if the levels are not five.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        width: int = 32,
        expansion: Sequence[int] = (2, 3, 4, 4, 4),
        blocks: Sequence[int] = (3, 4, 4, 4, 4),
        kernel_size: int = 3,
    ) -> None:
        super().__init__()
        check_patch_size("MedNeXt", patch_size, self.divisor, smallest=32)
        check_lengths("MedNeXt", 5, expansion=expansion, blocks=blocks)
        self.network = nets.MedNeXt(
            in_channels=in_channels,
            out_channels=out_channels,
            init_filters=width,
            encoder_expansion_ratio=expansion[:4],
            bottleneck_expansion_ratio=expansion[4],
            decoder_expansion_ratio=expansion[3::-1],
            blocks_down=blocks[:4],
            blocks_bottleneck=blocks[4],
            blocks_up=blocks[3::-1],
            kernel_size=kernel_size,
            use_residual_connection=True,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.network(x)
        return logits
