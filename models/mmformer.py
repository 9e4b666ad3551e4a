"""mmFormer: a convolutional encoder and a transformer for each modality, one transformer over all of them.

Zhang et al., "mmFormer: Multimodal Medical Transformer for Incomplete Multimodal Learning of Brain Tumor Segmentation",
MICCAI 2022, https://arxiv.org/abs/2206.02425. Not among the networks of the PET/MR paper: added as the transformer that
was made for several modalities, any of which may be missing.

For each modality by itself: five levels of 16, 32, 64, 128, 256 channels, each a convolution (of stride 2 from the
second level on) and a residual pair of (group norm, ReLU, 3^3 convolution); the deepest level becomes tokens of 512
numbers with learned positions and passes the *intra-modal* transformer. The tokens of all modalities together pass the
*inter-modal* one, again with learned positions. A convolutional decoder rises from there; at every level the features
of all modalities, concatenated and merged by a 1^3 convolution, enter it as the skip. Transformers have one block of 8
heads and a hidden width of 4096. 30,665,949 parameters for two modalities and 45 classes.

Deviations:
- no heads for deep supervision and none on the encoders of single modalities (the paper's auxiliary regularisers):
  every network here is trained by one loss on its last output;
- no dropping of modalities in here: that is the data's part, and what is missing is an image of zeros. The paper takes
  the tokens of a missing modality out, so that its encoder gets no gradient;
- transposed convolutions upsample, instead of trilinear interpolation, whose gradient is not deterministic on a GPU;
- groups of 8 channels in the group norms, and no dropout: the paper names neither.
"""

import itertools
from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.parts.checks import check_patch_size, check_same_size

_LEVELS = 5


class MMFormer(nn.Module):
    """mmFormer; takes only inputs of the size it is built for, since positions are learned.

    Args:
        in_channels: Modalities, any number.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels of every input, multiples of 16 from 32.
        width: Channels at full resolution, doubled at each of the four levels below; a multiple of 8.
        embed_dim: Numbers of a token, a multiple of `num_heads`.
        mlp_dim: Hidden width of the transformers' perceptrons.
        num_heads: Attention heads.
        depth: Blocks of each transformer.

    Raises:
        ValueError: If the patch cannot be halved four times, or a number isn't the multiple that it must be.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        width: int = 16,
        embed_dim: int = 512,
        mlp_dim: int = 4096,
        num_heads: int = 8,
        depth: int = 1,
    ) -> None:
        super().__init__()
        check_patch_size("MMFormer", patch_size, self.divisor, smallest=32)
        _check_multiples(width, embed_dim, num_heads)
        self.patch_size = tuple(patch_size)
        widths = [width * 2**level for level in range(_LEVELS)]
        tokens = prod(side // self.divisor for side in patch_size)
        sizes = (embed_dim, mlp_dim, num_heads, depth)
        self.encoders = nn.ModuleList(_Encoder(widths) for _ in range(in_channels))
        self.embeds = nn.ModuleList(nn.Linear(widths[-1], embed_dim) for _ in range(in_channels))
        self.intra = nn.ModuleList(_Transformer(tokens, *sizes) for _ in range(in_channels))
        self.inter = _Transformer(in_channels * tokens, *sizes)
        self.merges = nn.ModuleList(nn.Conv3d(in_channels * each, each, 1) for each in widths[:-1])
        self.bottom = nn.Conv3d(in_channels * embed_dim, widths[-1], 1)
        self.ups = nn.ModuleList(_Up(below, here) for here, below in reversed(list(itertools.pairwise(widths))))
        self.classify = nn.Conv3d(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.

        Raises:
            ValueError: If the input has another size than the network was built for.
        """
        check_same_size("MMFormer", self.patch_size, x)
        features = [encoder(modality) for encoder, modality in zip(self.encoders, x.split(1, dim=1), strict=True)]
        *skips, deepest = zip(*features, strict=True)
        x = self.bottom(self._attend(deepest))
        for up, merge, skip in zip(self.ups, reversed(self.merges), reversed(skips), strict=True):
            x = up(x, merge(torch.cat(skip, dim=1)))
        logits: Tensor = self.classify(x)
        return logits

    def _attend(self, features: Sequence[Tensor]) -> Tensor:
        """Both transformers over the deepest features, `[B, C, d, h, w]` of each modality, to `[B, M E, d, h, w]`."""
        size = features[0].shape[2:]
        tokens = [
            intra(embed(each.flatten(2).transpose(1, 2)))
            for intra, embed, each in zip(self.intra, self.embeds, features, strict=True)
        ]
        together = self.inter(torch.cat(tokens, dim=1)).chunk(len(tokens), dim=1)
        attended: Tensor = torch.cat(together, dim=2).transpose(1, 2).unflatten(2, size)
        return attended


class _Encoder(nn.Module):
    """One modality to features at 1, 1/2, 1/4, 1/8 and 1/16 of its resolution."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.entries = nn.ModuleList(
            nn.Conv3d(above, here, 3, stride=1 if above == 1 else 2, padding=1)
            for above, here in itertools.pairwise((1, *widths))
        )
        self.units = nn.ModuleList(nn.Sequential(_convolution(each, each), _convolution(each, each)) for each in widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for entry, unit in zip(self.entries, self.units, strict=True):
            x = entry(x)
            x = x + unit(x)
            outputs.append(x)
        return outputs


class _Transformer(nn.Module):
    """Blocks of attention and a perceptron, each normalised first and beside a skip, on tokens with positions."""

    def __init__(self, tokens: int, dim: int, mlp_dim: int, heads: int, depth: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(nn.init.trunc_normal_(torch.empty(tokens, dim), std=0.02))
        self.blocks = nn.ModuleList(_Block(dim, mlp_dim, heads) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = x + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class _Block(nn.Module):
    def __init__(self, dim: int, mlp_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.perceptron = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, mlp_dim), nn.GELU(), nn.Linear(mlp_dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens `[B, N, C]` to the same shape."""
        query, key, value = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = x + self.proj(attended)
        return x + self.perceptron(x)  # type: ignore[no-any-return]


class _Up(nn.Module):
    """To the level above: transposed 2^3 convolution, the skip concatenated, two convolutions."""

    def __init__(self, below: int, here: int) -> None:
        super().__init__()
        self.raise_ = nn.ConvTranspose3d(below, here, 2, stride=2)
        self.convolutions = nn.Sequential(_convolution(2 * here, here), _convolution(here, here))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        joined: Tensor = self.convolutions(torch.cat((self.raise_(x), skip), dim=1))
        return joined


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.GroupNorm(inputs // 8, inputs), nn.ReLU(inplace=True), nn.Conv3d(inputs, outputs, 3, padding=1)
    )


def _check_multiples(width: int, embed_dim: int, num_heads: int) -> None:
    if width % 8 or embed_dim % num_heads:
        raise ValueError(
            "MMFormer takes a width that is a multiple of 8, and an embed_dim that is one of its num_heads; got width "
            f"{width}, embed_dim {embed_dim}, {num_heads} heads."
        )
