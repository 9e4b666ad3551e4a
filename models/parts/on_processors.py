"""The convolutions of any network in a training on a processor, where PyTorch's own way is wrong or slow.

On grids smaller than the kernel half precision can't be trusted (`small_grids.py`): they are computed in single. And a
single image with few channels is convolved in halves (`halves.py`).
"""

from typing import Any

import torch
from torch import Tensor, nn

from models.parts import halves
from models.parts.small_grids import is_smaller


def suit_processors(network: nn.Module) -> None:
    """Have every `Conv3d` of a network train in a form that suits a processor, where its input is on one.

    Parameters keep their names, and results without gradients, elsewhere and on other devices, their bits.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            module._conv_forward = _Suited(module)  # type: ignore[method-assign, assignment]


class _Suited:
    """Takes the place of a convolution's `_conv_forward`; a class, so that modules can still be copied and pickled."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        self.convolution = convolution

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve: Any = type(self.convolution)._conv_forward
        autocast = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if autocast else x.dtype
        trained = x.device.type == "cpu" and torch.is_grad_enabled()
        if trained and dtype == torch.bfloat16 and is_smaller(x, weight):
            single = (each if each is None else each.float() for each in (x, weight, bias))
            with torch.autocast("cpu", enabled=False):
                return convolve(self.convolution, *single).to(dtype)  # type: ignore[no-any-return]
        if trained and dtype == torch.float32 and _keeps_size(self.convolution) and halves.is_faster(x, weight):
            return halves.forward(x, weight, bias)
        return convolve(self.convolution, x, weight, bias)  # type: ignore[no-any-return]


def _keeps_size(convolution: nn.Conv3d) -> bool:
    """Whether the output has the size of the input, which is surrounded by zeros."""
    plain = (convolution.stride, convolution.dilation, convolution.groups) == ((1,) * 3, (1,) * 3, 1)
    around = tuple(side // 2 for side in convolution.kernel_size)
    odd = all(side % 2 for side in convolution.kernel_size)
    return plain and odd and convolution.padding_mode == "zeros" and convolution.padding == around
