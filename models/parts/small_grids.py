"""Grids smaller than the kernel, where half precision can't be trusted on a processor.

There oneDNN 3.12 (of PyTorch 2.13) computes bfloat16 gradients of the weights that are wrong by as much as they are
large, and writes past their end: a kernel of 3^3 on 2^3 voxels, of 5^3 on up to 4^3, of 7^3 on up to 6^3, in processors
with AVX512_BF16. A training then goes astray in silence, or its process dies of "double free or corruption".
"""

from torch import Tensor


def is_smaller(x: Tensor, weight: Tensor) -> bool:
    """Whether the grid of `[..., D, H, W]` has a side below the kernel's."""
    return any(side < length for side, length in zip(x.shape[-3:], weight.shape[-3:], strict=True))
