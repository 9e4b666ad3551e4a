"""Convolutions on grids smaller than their kernel: trained in single precision on a processor, whatever is asked for.

There oneDNN 3.12 (of PyTorch 2.13) computes bfloat16 gradients of the weights that are wrong by as much as they are
large, and writes past their end: a kernel of 3^3 on 2^3 voxels, of 5^3 on up to 4^3, of 7^3 on up to 6^3, in processors
with AVX512_BF16. A training then goes astray in silence, or its process dies of "double free or corruption".
"""

from typing import Any

import torch
from torch import Tensor, nn


def keep_single(network: nn.Module) -> None:
    """Have every `Conv3d` of a network train in single precision where the kernel is larger than a processor's grid.

    Parameters keep their names, and results without gradients, on other grids and on other devices, their bits.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            module._conv_forward = _KeptSingle(module)  # type: ignore[method-assign, assignment]


def is_smaller(x: Tensor, weight: Tensor) -> bool:
    """Whether the grid of `[..., D, H, W]` has a side below the kernel's."""
    return any(side < length for side, length in zip(x.shape[-3:], weight.shape[-3:], strict=True))


class _KeptSingle:
    """Takes the place of a convolution's `_conv_forward`; a class, so that modules can still be copied and pickled."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        self.convolution = convolution

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve: Any = type(self.convolution)._conv_forward
        autocast = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if autocast else x.dtype
        halved = x.device.type == "cpu" and dtype == torch.bfloat16
        if not (halved and torch.is_grad_enabled() and is_smaller(x, weight)):
            return convolve(self.convolution, x, weight, bias)  # type: ignore[no-any-return]
        single = (each if each is None else each.float() for each in (x, weight, bias))
        with torch.autocast("cpu", enabled=False):
            return convolve(self.convolution, *single).to(dtype)  # type: ignore[no-any-return]
