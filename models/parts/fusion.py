"""Ways to fuse the features of two modalities at one level: modules of `(x, y)`, each `[B, C, D, H, W]`, to one such.

Tang et al., "Automatic Brain Segmentation for PET/MR Dual-Modal Images Through a Cross-Fusion Mechanism", IEEE JBHI
29(3), 2025. The paper's cross-attention is CA = softmax(Q K^T / sqrt(C)) V + y, with Q from the other modality and K, V
and the residual from y; then f = Conv(concat(CA1, CA2)) and e = f + Conv(f). Two forms of its product are here:

- `gated_residual`, the released code's: every product is element-wise, Q ends in a sigmoid and the softmax runs along
  the last spatial axis alone.
- `PooledDotProduct`, the printed equation made feasible: at 1/2 of 96^3 a score for every pair of voxels would be
  110,592^2 of them. Keys and values are therefore averaged over the voxels that share one voxel of the deepest level
  (blocks of 8, 4, 2, 1 a side from the finest level down), queries are not; the attention then runs fused, through
  `scaled_dot_product_attention`. At 96^3 that is 216 keys at each level, over the whole patch; at the deepest level,
  where the blocks are single voxels, it is the equation to the letter.

`FUSIONS` names how the four levels are fused. The names that attend have the same parameters level by level, so that
`gated`, `dot_product` and `self_attention` are compared at equal size.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.parts.convolution import convolve, rectified_convolution
from models.parts.gate import gated_residual

Product = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Maps query, key, value and x to x + the values as they are attended to; all `[B, C, D, H, W]`."""


class PooledDotProduct:
    """Attention of every voxel to blocks of voxels: softmax(Q K^T / sqrt(C)) V, with K and V averaged over blocks.

    Args:
        block: Side of the blocks in voxels; 1 attends to every voxel.
    """

    def __init__(self, block: int) -> None:
        self.block = block

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, x: Tensor) -> Tensor:
        """Add to x what the queries attend to."""
        q, k, v = _tokens(query), _tokens(self._pool(key)), _tokens(self._pool(value))
        attended: Tensor = F.scaled_dot_product_attention(q, k, v)
        return x + attended.transpose(-1, -2).reshape(query.shape)

    def _pool(self, x: Tensor) -> Tensor:
        # Not avg_pool3d, whose gradient is not deterministic on a GPU.
        (B, C, D, H, W), side = x.shape, self.block
        blocks = x.reshape(B, C, D // side, side, H // side, side, W // side, side)
        return blocks.mean(dim=(3, 5, 7))


def _tokens(x: Tensor) -> Tensor:
    """Turn `[B, C, D, H, W]` into `[B, 1, N, C]`: one head, as the fused kernels want it, innermost contiguous."""
    return x.flatten(2).transpose(1, 2).contiguous()[:, None]


class Attention(nn.Module):
    """x + product(query(other), key(x), value(x)).

    Args:
        channels: Channels of both inputs and of the output.
        product: What takes the place of softmax(Q K^T / sqrt(C)) V, x added.
    """

    def __init__(self, channels: int, product: Product) -> None:
        super().__init__()
        self.query = Projection(channels)
        self.key = Projection(channels)
        self.value = Projection(channels)
        self.product = product

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Let `other` attend to `x`, `[B, C, D, H, W]` each, and add the result to `x`."""
        return self.product(self.query(other), self.key(x), self.value(x), x)


class Projection(nn.Sequential):
    """Convolution, instance norm, ReLU, convolution; computed as two operations.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv3d(channels, channels, 3, padding=1),
            nn.InstanceNorm3d(channels),
            nn.ReLU(),
            nn.Conv3d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, D, H, W]` to the same shape."""
        first, _, _, second = self
        return rectified_convolution(convolve(x, *first.parameters()), *second.parameters())


class Addition(nn.Module):
    """x + y, without parameters."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Add two features of the same shape."""
        return x + y


class Concatenation(nn.Module):
    """The paper's merging: f = Conv(concat(x, y)), then f + Conv(f)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fuse = nn.Conv3d(2 * channels, channels, 3, padding=1)
        self.refine = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Merge two features of `channels` channels into one."""
        fused = convolve(torch.cat((x, y), dim=1), *self.fuse.parameters())
        return fused + convolve(fused, *self.refine.parameters())


class CrossAttention(nn.Module):
    """Each modality attended to by the other, through one set of weights, then concatenated and merged."""

    def __init__(self, channels: int, product: Product) -> None:
        super().__init__()
        self.attend = Attention(channels, product)
        self.merge = Concatenation(channels)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Fuse two features `[B, C, D, H, W]`."""
        attended = self.attend(torch.cat((x, y)), torch.cat((y, x)))
        fused: Tensor = self.merge(*attended.chunk(2))
        return fused


class SelfAttention(nn.Module):
    """Each modality attended to by itself, through one set of weights, then concatenated and merged."""

    def __init__(self, channels: int, product: Product) -> None:
        super().__init__()
        self.attend = Attention(channels, product)
        self.merge = Concatenation(channels)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Fuse two features `[B, C, D, H, W]`."""
        both = torch.cat((x, y))
        fused: Tensor = self.merge(*self.attend(both, both).chunk(2))
        return fused


def _gated(levels: Sequence[int]) -> list[nn.Module]:
    """Cross attention at every level, gated."""
    return [CrossAttention(channels, gated_residual) for channels in levels]


def _dot_product(levels: Sequence[int]) -> list[nn.Module]:
    """Cross attention at every level by dot products, of pooled keys and values above the deepest."""
    deepest = len(levels) - 1
    return [CrossAttention(channels, PooledDotProduct(2 ** (deepest - i))) for i, channels in enumerate(levels)]


def _self_attention(levels: Sequence[int]) -> list[nn.Module]:
    """Each modality attends to itself, gated; then both are joined."""
    return [SelfAttention(channels, gated_residual) for channels in levels]


def _concatenation(levels: Sequence[int]) -> list[nn.Module]:
    """Both modalities side by side, mixed by a convolution at every level."""
    return [Concatenation(channels) for channels in levels]


def _addition(levels: Sequence[int]) -> list[nn.Module]:
    """Both modalities added at every level."""
    return [Addition() for _ in levels]


def _bottleneck(levels: Sequence[int]) -> list[nn.Module]:
    """Cross attention at the deepest level alone, addition above."""
    return [*_addition(levels[:-1]), *_gated(levels[-1:])]


FUSIONS: dict[str, Callable[[Sequence[int]], list[nn.Module]]] = {
    "gated": _gated,
    "dot_product": _dot_product,
    "self_attention": _self_attention,
    "concatenation": _concatenation,
    "addition": _addition,
    "bottleneck": _bottleneck,
}
