"""ResEncUNet: nnU-Net's U-Net with a residual encoder.

Isensee et al., "nnU-Net Revisited: A Call for Rigorous Validation in 3D Medical Image Segmentation", 2024,
https://arxiv.org/abs/2404.09556, built by nnU-Net's own package `dynamic-network-architectures`. Defaults are what
nnU-Net's ResEnc-L planner gives for a patch of 96^3 isotropic voxels: it halves until the next halving would leave
fewer than 4 voxels a side, hence five levels of 32, 64, 128, 256, 320 channels, with 1, 3, 4, 6, 6 residual blocks in
the encoder and one convolution a level in the decoder; instance normalisation, LeakyReLU, biased convolutions:
62,811,309 parameters for two modalities and 45 classes. Not among the networks of the PET/MR paper: added as the
baseline that nnU-Net's authors ask every comparison to include.

Deviations: no deep supervision (the heads of the lower levels, which get no gradient then, are left out) and none of
nnU-Net's own preprocessing, augmentation and schedule: every network of this suite is trained alike.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from models.parts.checks import check_lengths, check_patch_size


class ResEncUNet(nn.Module):
    """nnU-Net's residual encoder U-Net, initialised as nnU-Net does.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 16 from 32.
        features: Channels of each level; every level after the first halves the resolution.
        blocks: Residual blocks of each level of the encoder.

    Raises:
        ValueError: If the patch cannot be halved that often, if features and blocks differ in number, or if the
            package is not installed.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        features: Sequence[int] = (32, 64, 128, 256, 320),
        blocks: Sequence[int] = (1, 3, 4, 6, 6),
    ) -> None:
        super().__init__()
        self.divisor = 2 ** (len(features) - 1)
        check_patch_size("ResEncUNet", patch_size, self.divisor, smallest=2 * self.divisor)
        check_lengths("ResEncUNet", len(features), features=features, blocks=blocks)
        self.network = _build(in_channels, out_channels, features, blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.network(x)
        return logits


def _build(in_channels: int, out_channels: int, features: Sequence[int], blocks: Sequence[int]) -> nn.Module:
    try:
        from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet
    except ImportError as error:
        raise ValueError(
            "ResEncUNet needs the package dynamic-network-architectures, which is not installed. "
            "`make install` adds it, or: pip install --no-deps dynamic-network-architectures."
        ) from error
    levels = len(features)
    network = ResidualEncoderUNet(
        in_channels,
        levels,
        tuple(features),
        nn.Conv3d,
        kernel_sizes=3,
        strides=(1, *[2] * (levels - 1)),
        n_blocks_per_stage=tuple(blocks),
        num_classes=out_channels,
        n_conv_per_stage_decoder=1,
        conv_bias=True,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    )
    network.apply(ResidualEncoderUNet.initialize)
    network.decoder.seg_layers = network.decoder.seg_layers[-1:]
    return network  # type: ignore[no-any-return]
