"""SwinUNETR: shifted-window transformer encoder, convolutional decoder.

Hatamizadeh et al., "Swin UNETR: Swin Transformers for Semantic Segmentation of Brain Tumors in MRI Images", 2022,
https://arxiv.org/abs/2201.01266, as MONAI implements it. Settings of the PET/MR comparison: feature size 48, patches of
96^3 voxels, 2 blocks a stage, heads 3, 6, 12, 24, windows of 7^3 tokens, no dropout: 62,190,543 parameters for two
modalities and 45 classes.

Deviations: no self-supervised pre-training (the published weights are of other modalities).
"""

from collections.abc import Sequence

from monai.networks import nets
from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrUpBlock
from monai.networks.nets.swin_unetr import SwinTransformerBlock
from torch import Tensor, nn

from models.parts.checks import check_patch_size
from models.parts.recomputing import recompute

_STAGES = (SwinTransformerBlock, UnetrBasicBlock, UnetrUpBlock)


class SwinUNETR(nn.Module):
    """MONAI's SwinUNETR.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 32 from 64 (from 32 with a norm over more than one voxel).
        feature_size: Channels at full resolution, a multiple of 12.
        window_size: Tokens along the side of a window of attention.
        norm: Normalisation of the convolutional blocks, as MONAI names it. The deepest level of a 32-voxel patch is a
            single voxel, over which instance normalisation is undefined: such patches need another one, for example
            `("group", {"num_groups": 4})`.
        checkpointing: Compute activations again in the backward pass instead of keeping them.

    Raises:
        ValueError: If a side of the patch is no multiple of 32, or 32 with instance normalisation, or if the feature
            size is no multiple of 12.
    """

    divisor = 32

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        feature_size: int = 48,
        window_size: int = 7,
        norm: str | tuple[str, dict[str, int]] = "instance",
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_patch_size("SwinUNETR", patch_size, self.divisor, smallest=64 if norm == "instance" else 32)
        if feature_size % 12:
            raise ValueError(
                f"SwinUNETR takes a feature_size that is a multiple of 12, such as 48; got {feature_size}."
            )
        self.network = nets.SwinUNETR(
            in_channels, out_channels, feature_size=feature_size, window_size=window_size, norm_name=norm
        )
        if checkpointing:
            recompute(*(part for part in self.network.modules() if isinstance(part, _STAGES)))

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.network(x)
        return logits
