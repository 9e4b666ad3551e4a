"""UNETR: vision transformer encoder, convolutional decoder.

Hatamizadeh et al., "UNETR: Transformers for 3D Medical Image Segmentation", 2021, https://arxiv.org/abs/2103.10504, as
MONAI implements it. Settings of the PET/MR comparison: feature size 16, hidden size 768, MLP 3072, 12 heads, perceptron
patch embedding, instance normalisation, residual blocks, patches of 96^3 voxels: 95,930,749 parameters for two
modalities and 45 classes.

Deviations: MONAI's transformer blocks also hold layer normalisations for a cross attention that UNETR does not have
(2 x 768 parameters in each of 12 blocks, 95,949,181 with them). They never see data, so they are left out here.
"""

from collections.abc import Sequence

from monai.networks import nets
from monai.networks.blocks.transformerblock import TransformerBlock
from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrPrUpBlock, UnetrUpBlock
from torch import Tensor, nn

from models.parts.checks import check_patch_size, check_same_size
from models.parts.recomputing import recompute

_STAGES = (TransformerBlock, UnetrBasicBlock, UnetrPrUpBlock, UnetrUpBlock)


class UNETR(nn.Module):
    """MONAI's UNETR; takes only inputs of the size it is built for, since the position embedding is learned.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` of every input, in voxels.
        feature_size: Channels at full resolution.
        hidden_size: Width of the transformer, a multiple of `num_heads`.
        mlp_dim: Hidden width of its perceptrons.
        num_heads: Attention heads.
        checkpointing: Compute activations again in the backward pass instead of keeping them.

    Raises:
        ValueError: If a side of the patch is no multiple of 16, or the hidden size no multiple of the heads.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        feature_size: int = 16,
        hidden_size: int = 768,
        mlp_dim: int = 3072,
        num_heads: int = 12,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_patch_size("UNETR", patch_size, self.divisor)
        if hidden_size % num_heads:
            raise ValueError(
                f"UNETR splits its hidden_size evenly among num_heads; got {hidden_size} for {num_heads} heads."
            )
        self.patch_size = tuple(patch_size)
        self.network = nets.UNETR(
            in_channels,
            out_channels,
            img_size=self.patch_size,
            feature_size=feature_size,
            hidden_size=hidden_size,
            mlp_dim=mlp_dim,
            num_heads=num_heads,
            proj_type="perceptron",
        )
        for block in self.network.vit.blocks:
            block.norm_cross_attn = nn.Identity()  # never called: see the deviations above
        if checkpointing:
            recompute(*(part for part in self.network.modules() if isinstance(part, _STAGES)))

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.

        Raises:
            ValueError: If the input has another size than the network was built for.
        """
        check_same_size("UNETR", self.patch_size, x)
        logits: Tensor = self.network(x)
        return logits
