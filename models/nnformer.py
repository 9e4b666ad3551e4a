"""nnFormer: convolutions and window attention interleaved, with attention in place of concatenated skips.

Zhou et al., "nnFormer: Volumetric Medical Image Segmentation via a 3D Transformer", 2021,
https://arxiv.org/abs/2109.03201. Four levels of two transformer blocks, in plain and in shifted windows; between them
strided and transposed convolutions. Two of the published forms, both of patches of 96^3 voxels:

- synapse (default; the form in the 3D UX-Net repository, on which the PET/MR comparison was built): 192 channels,
  tokens of 2 x 4 x 4 voxels, heads 6, 12, 24, 48;
- tumor: `embed_dim=96, token_size=(4, 4, 4), num_heads=(3, 6, 12, 24)`. Its released decoder takes its heads from one
  level further down than its encoder (6, 12, 24), hence the setting `decoder_num_heads`.

Kept as published: the row index of the relative position bias (see `relative_position_index`); queries that the skip
attention does not project; zeros that pad a window and take part in its attention.

Deviations:
- only the full-resolution map is returned. The heads of the two lower decoder levels exist for deep supervision, get no
  gradient without it, and are left out: 149,514,021 parameters for two modalities and 45 classes (tumor: 37,698,447),
  where the released module counts 151,172,991 (39,357,417);
- a patch whose side is no multiple of 32 is refused, as the released code would fail on it;
- no weights pre-trained on ImageNet.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from models.parts.checks import check_patch_size, check_same_size
from models.parts.nnformer_blocks import Grid, SelfBlock, SkipBlock, Windows

_LEVELS = 4


class NNFormer(nn.Module):
    """nnFormer; takes only inputs of the size it is built for, since the windows are laid out at construction.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels of every input, multiples of 32.
        embed_dim: Channels of a token at the finest level, doubled at each level.
        token_size: `[D, H, W]` in voxels of a token, 2 or 4 each.
        num_heads: Attention heads of the encoder's levels, finest first.
        decoder_num_heads: Attention heads of the decoder's levels, finest first.
        window_size: Tokens along the side of a window, for each level.
        drop_path: Highest probability to leave out a residual branch; it grows from zero with depth.

    Raises:
        ValueError: If a size does not fit the levels, or the heads do not divide the channels.
    """

    divisor = 32

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        embed_dim: int = 192,
        token_size: Sequence[int] = (2, 4, 4),
        num_heads: Sequence[int] = (6, 12, 24, 48),
        decoder_num_heads: Sequence[int] = (6, 12, 24),
        window_size: Sequence[int] = (4, 4, 8, 4),
        drop_path: float = 0.2,
    ) -> None:
        super().__init__()
        check_patch_size("NNFormer", patch_size, self.divisor)
        dims = [embed_dim * 2**level for level in range(_LEVELS)]
        _check_token_size(token_size)
        _check_heads("num_heads", num_heads, dims)
        _check_heads("decoder_num_heads", decoder_num_heads, dims[:-1])
        self.patch_size = tuple(patch_size)
        grids = [_grid(patch_size, token_size, level) for level in range(_LEVELS)]
        windows = [_window_pair(grid, side) for grid, side in zip(grids, window_size, strict=True)]

        self.stem = _Stem(in_channels, embed_dim, token_size)
        self.encoder = nn.ModuleList(
            nn.Sequential(SelfBlock(dim, heads, plain, rates[0]), SelfBlock(dim, heads, shifted, rates[1]))
            for dim, heads, (plain, shifted), rates in zip(
                dims, num_heads, windows, _drop_rates(drop_path, _LEVELS), strict=True
            )
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for dim in dims)
        self.downs = nn.ModuleList(_Down(dim) for dim in dims[:-1])
        self.ups = nn.ModuleList(_Up(dim) for dim in dims[:0:-1])
        self.decoder = nn.ModuleList(
            _DecoderStage(dims[level], decoder_num_heads[level], windows[level], rates)
            for level, rates in zip((2, 1, 0), _drop_rates(drop_path, _LEVELS - 1), strict=True)
        )
        d, h, w = token_size
        self.head = nn.ConvTranspose3d(embed_dim, out_channels, (d, h, w), stride=(d, h, w))

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.

        Raises:
            ValueError: If the input has another size than the network was built for.
        """
        check_same_size("NNFormer", self.patch_size, x)
        *skips, x = self._encode(self.stem(x))
        for up, stage in zip(self.ups, self.decoder, strict=True):
            x = stage(up(x), skips.pop())
        logits: Tensor = self.head(x.movedim(-1, 1))
        return logits

    def _encode(self, x: Tensor) -> list[Tensor]:
        """Normalised tokens of every level, finest first, from the stem's tokens `[B, D, H, W, C]`."""
        outputs = []
        for level, (stage, norm) in enumerate(zip(self.encoder, self.norms, strict=True)):
            x = stage(self.downs[level - 1](x) if level else x)
            outputs.append(norm(x))
        return outputs


class _Stem(nn.Module):
    """Four 3^3 convolutions from voxels to tokens: the first halves each side, the third does the rest."""

    def __init__(self, in_channels: int, dim: int, token_size: Sequence[int]) -> None:
        super().__init__()
        d, h, w = (side // 2 for side in token_size)
        half = dim // 2
        self.layers = nn.Sequential(
            nn.Conv3d(in_channels, half, 3, stride=2, padding=1),
            nn.GELU(),
            _ChannelNorm(half),
            nn.Conv3d(half, half, 3, padding=1),
            nn.GELU(),
            _ChannelNorm(half),
            nn.Conv3d(half, dim, 3, stride=(d, h, w), padding=1),
            nn.GELU(),
            _ChannelNorm(dim),
            nn.Conv3d(dim, dim, 3, padding=1),
            _ChannelNorm(dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images `[B, M, D, H, W]` to tokens `[B, d, h, w, C]`."""
        tokens: Tensor = self.layers(x)
        return tokens.movedim(1, -1)


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of `[B, C, D, H, W]`."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class _Down(nn.Module):
    """To the next level: GELU, layer norm, strided 3^3 convolution to twice the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.convolution = nn.Conv3d(dim, 2 * dim, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(self.norm(F.gelu(x)).movedim(-1, 1))
        return x.movedim(1, -1)


class _Up(nn.Module):
    """To the level above: layer norm, transposed 2^3 convolution to half the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.convolution = nn.ConvTranspose3d(dim, dim // 2, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(self.norm(x).movedim(-1, 1))
        return x.movedim(1, -1)


class _DecoderStage(nn.Module):
    """Skip attention in plain windows, then self-attention in shifted ones."""

    def __init__(self, dim: int, heads: int, windows: tuple[Windows, Windows], rates: tuple[float, float]) -> None:
        super().__init__()
        self.join = SkipBlock(dim, heads, windows[0], rates[0])
        self.refine = SelfBlock(dim, heads, windows[1], rates[1])

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        refined: Tensor = self.refine(self.join(x, skip))
        return refined


def _grid(patch_size: Sequence[int], token_size: Sequence[int], level: int) -> Grid:
    d, h, w = (side // token // 2**level for side, token in zip(patch_size, token_size, strict=True))
    return d, h, w


def _window_pair(grid: Grid, side: int) -> tuple[Windows, Windows]:
    return Windows.fit(grid, side, shifted=False), Windows.fit(grid, side, shifted=True)


def _drop_rates(highest: float, stages: int) -> list[tuple[float, float]]:
    """Rates of the two blocks of each stage, rising linearly from zero over all of them."""
    rates = [highest * block / (2 * stages - 1) for block in range(2 * stages)]
    return list(zip(rates[::2], rates[1::2], strict=True))


def _check_token_size(token_size: Sequence[int]) -> None:
    if len(token_size) != 3 or any(side not in (2, 4) for side in token_size):
        raise ValueError(f"NNFormer takes a token_size of three sides of 2 or 4 voxels each; got {tuple(token_size)}.")


def _check_heads(setting: str, heads: Sequence[int], dims: Sequence[int]) -> None:
    if len(heads) != len(dims) or any(dim % count for dim, count in zip(dims, heads, strict=False)):
        raise ValueError(
            f"NNFormer takes {setting} for {len(dims)} levels that divide its channels {tuple(dims)}; "
            f"got {tuple(heads)}."
        )
