"""Attention inside windows of tokens, as nnFormer computes it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from monai.networks.layers import DropPath
from torch import Tensor, nn

Grid = tuple[int, int, int]
_MASKED = -100.0  # added to the scores of tokens from different regions, as in Swin


@dataclass(frozen=True)
class Windows:
    """How a grid of tokens is cut into cubic windows.

    Attributes:
        grid: Tokens along D, H, W.
        side: Tokens along each side of a window.
        shift: Tokens by which the grid is rolled before it is cut.
    """

    grid: Grid
    side: int
    shift: int

    @classmethod
    def fit(cls, grid: Grid, side: int, *, shifted: bool) -> "Windows":
        """Windows of the wished side; where the grid has no room for two of them, smaller ones that stay in place."""
        if min(grid) <= side:
            return cls(grid, min(grid), 0)
        return cls(grid, side, side // 2 if shifted else 0)

    @property
    def counts(self) -> Grid:
        """Windows along D, H, W, the last of each padded where the grid does not fill it."""
        d, h, w = (-(-tokens // self.side) for tokens in self.grid)
        return d, h, w

    def split(self, x: Tensor) -> Tensor:
        """Cut tokens `[B, D, H, W, C]` into windows `[B, windows, tokens, C]`."""
        d, h, w = self.counts
        missing = [count * self.side - tokens for count, tokens in zip(self.counts, self.grid, strict=True)]
        x = F.pad(x, (0, 0, 0, missing[2], 0, missing[1], 0, missing[0]))
        x = x.roll((-self.shift,) * 3, dims=(1, 2, 3))
        x = x.unflatten(3, (w, -1)).unflatten(2, (h, -1)).unflatten(1, (d, -1))
        return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)

    def join(self, x: Tensor) -> Tensor:
        """Put windows `[B, windows, tokens, C]` back into tokens `[B, D, H, W, C]`, without the padding."""
        x = x.unflatten(2, (self.side,) * 3).unflatten(1, self.counts)
        x = x.permute(0, 1, 4, 2, 5, 3, 6, 7).flatten(5, 6).flatten(3, 4).flatten(1, 2)
        x = x.roll((self.shift,) * 3, dims=(1, 2, 3))
        d, h, w = self.grid
        return x[:, :d, :h, :w]

    def mask(self) -> Tensor:
        """What to add to the scores `[windows, 1, tokens, tokens]`, so that tokens rolled together stay strangers."""
        d, h, w = (count * self.side for count in self.counts)
        zones = (self._zones(tokens) for tokens in (d, h, w))
        zone_d, zone_h, zone_w = torch.meshgrid(*zones, indexing="ij")
        region = (9 * zone_d + 3 * zone_h + zone_w)[None, ..., None]
        region = Windows((d, h, w), self.side, 0).split(region)[0, ..., 0]
        return _MASKED * (region[:, None, :, None] != region[:, None, None, :]).float()

    def _zones(self, tokens: int) -> Tensor:
        """Along one axis: 0 before the last window, 1 in it, 2 in its part that was rolled round from the front."""
        from_end = tokens - torch.arange(tokens)
        return (from_end <= self.side).long() + (from_end <= self.shift).long()


def relative_position_index(side: int) -> Tensor:
    """Row of the bias table for each pair of tokens of a window, `[tokens, tokens]`.

    The offset along D is multiplied by 3 side - 1 where Swin has (2 side - 1)^2. Different offsets share a row so, and
    most of the (2 side - 1)^3 rows are never read (for side 4, 115 of 343 are); it is what was published.
    """
    axis = torch.arange(side)
    position = torch.cartesian_prod(axis, axis, axis)
    offset = position[:, None] - position[None] + side - 1
    return (offset * torch.tensor([3 * side - 1, 2 * side - 1, 1])).sum(dim=-1)


class WindowAttention(nn.Module):
    """Multi-head attention inside each window, with a learned bias for each relative position.

    Args:
        dim: Channels of a token, a multiple of `heads`.
        heads: Attention heads.
        windows: The windows that the tokens come from.
    """

    mask: Tensor
    index: Tensor

    def __init__(self, dim: int, heads: int, windows: Windows) -> None:
        super().__init__()
        self.heads = heads
        self.bias = nn.Parameter(nn.init.trunc_normal_(torch.empty((2 * windows.side - 1) ** 3, heads), std=0.02))
        self.register_buffer("index", relative_position_index(windows.side), persistent=False)
        self.register_buffer("mask", windows.mask() if windows.shift else torch.zeros(1), persistent=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend from query to key and value, all `[B, windows, tokens, C]`."""
        query, key, value = (x.unflatten(-1, (self.heads, -1)).transpose(2, 3) for x in (query, key, value))
        scores = self.bias[self.index].permute(2, 0, 1) + self.mask
        x = F.scaled_dot_product_attention(query, key, value, attn_mask=scores)
        return self.proj(x.transpose(2, 3).flatten(3))  # type: ignore[no-any-return]


class WindowBlock(nn.Module):
    """What both transformer blocks are made of: attention inside windows, then a perceptron, each beside a skip.

    Args:
        dim: Channels of a token.
        heads: Attention heads.
        windows: The windows to attend in.
        drop_path: Probability to leave out a branch, for each sample alone.
        projected: What one linear layer makes of normalised tokens, a letter each: `qkv` or `kv`.
    """

    def __init__(self, dim: int, heads: int, windows: Windows, drop_path: float, *, projected: str) -> None:
        super().__init__()
        self.windows = windows
        self.norm = nn.LayerNorm(dim)
        self.add_module(projected, nn.Linear(dim, len(projected) * dim))
        self.attention = WindowAttention(dim, heads, windows)
        self.perceptron = _perceptron(dim)
        self.drop_path = DropPath(drop_path)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add what was attended to, `[B, windows, tokens, C]`, to tokens `[B, D, H, W, C]`, then the perceptron's."""
        x = x + self.drop_path(self.windows.join(attended))
        return x + self.drop_path(self.perceptron(x))  # type: ignore[no-any-return]


class SelfBlock(WindowBlock):
    """Transformer block of self-attention; arguments as `WindowBlock`."""

    qkv: nn.Linear

    def __init__(self, dim: int, heads: int, windows: Windows, drop_path: float) -> None:
        super().__init__(dim, heads, windows, drop_path, projected="qkv")

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens `[B, D, H, W, C]` to the same shape."""
        return self.finish(x, self.attention(*self.qkv(self.windows.split(self.norm(x))).chunk(3, dim=-1)))


class SkipBlock(WindowBlock):
    """Transformer block whose tokens attend to the encoder's: nnFormer's skip attention; arguments as `WindowBlock`.

    The upsampled tokens are the queries as they are, normalised but not projected; keys and values come from the skip.
    One normalisation serves both.
    """

    kv: nn.Linear

    def __init__(self, dim: int, heads: int, windows: Windows, drop_path: float) -> None:
        super().__init__(dim, heads, windows, drop_path, projected="kv")

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Join the upsampled tokens with the skip, both `[B, D, H, W, C]`."""
        query, source = (self.windows.split(self.norm(tokens)) for tokens in (x, skip))
        return self.finish(x + skip, self.attention(query, *self.kv(source).chunk(2, dim=-1)))


def _perceptron(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
