"""Convolutions of stride 1 that keep the size, by the fastest of five equal forms.

- `NATIVE`: PyTorch's own.
- `POINTWISE`, for kernels of one voxel: a matrix product over the channels of every voxel.
- `COLUMNS`, for few voxels: the neighbourhoods of all voxels as the columns of one matrix,
  out `[O, V]` = weight `[O, 27 C]` @ columns `[27 C, V]`. A processor's native form then spends most of its time on
  bringing the weights into an order of its own, once forward and twice backward; a product takes them as they lie.
  In single precision that is so for many weights alone, and not for an image that the native form unrolls as well
  (`halves.py`). In half precision also on grids smaller than the kernel, where the native form can't be trusted
  (`small_grids.py`).
- `HALVES`, for a single image with few channels in single precision on a processor (`halves.py`).
- `WINOGRAD`, for wide ones of 3^3 in single precision on a processor: half the multiplications (`winograd.py`).

Which one is a function of shape, precision and device alone, so that a run computes the same bits however often it is
interrupted.

`rectified_convolution` is what a projection of cross-attention ends in, conv(relu(x^)) with x^ the instance norm of x:
it keeps x, not relu(x^), which is two operations away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from models.parts import halves, winograd
from models.parts.instance_norm import gradient, normalise
from models.parts.layout import arranged
from models.parts.precision import lowered
from models.parts.small_grids import is_smaller

FEW = 512
"""Voxels of a batch up to which columns are the faster form on a processor."""
HEAVY = 256
"""Channels in x channels out, for each of these voxels, from which on they are in single precision."""

Gradients = tuple[Tensor, Tensor, Tensor | None]


@dataclass(frozen=True)
class Form:
    """One way to compute a convolution, outside of autograd.

    Attributes:
        forward: Maps x `[B, C, D, H, W]`, weight `[O, C, k, k, k]` and bias `[O]` or None to `[B, O, D, H, W]`.
        backward: Maps the output's gradient, x and weight to the gradients of x and weight.
    """

    forward: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _native(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.conv3d(x, weight, bias, padding=weight.shape[-1] // 2)


def _native_backward(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    margin, ones, zeros = [weight.shape[-1] // 2] * 3, [1] * 3, [0] * 3
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad, x, weight, None, ones, margin, ones, False, zeros, 1, [True, True, False]
    )
    return grad_x, grad_weight


def _pointwise(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.linear(x.movedim(1, -1), weight.flatten(1), bias).movedim(-1, 1)


def _pointwise_backward(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    grad, x = grad.movedim(1, -1), x.movedim(1, -1)
    grad_weight = grad.flatten(0, 3).t() @ x.flatten(0, 3)
    return (grad @ weight.flatten(1)).movedim(-1, 1), grad_weight.view(weight.shape)


def _by_columns(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    out = weight.flatten(1) @ _columns(x, weight.shape[-1])
    if bias is not None:
        out += bias[:, None]
    return out.view(-1, len(x), *x.shape[2:]).transpose(0, 1)


def _by_columns_backward(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    grad = grad.transpose(0, 1).flatten(1)
    grad_weight = grad @ _columns(x, weight.shape[-1]).t()
    return _fold(weight.flatten(1).t() @ grad, x.shape, weight.shape[-1]), grad_weight.view(weight.shape)


NATIVE = Form(_native, _native_backward)
POINTWISE = Form(_pointwise, _pointwise_backward)
COLUMNS = Form(_by_columns, _by_columns_backward)
HALVES = Form(halves.forward, halves.backward)
WINOGRAD = Form(winograd.forward, winograd.backward)


def fastest(x: Tensor, weight: Tensor) -> Form:
    """The form for these shapes on this device."""
    if weight.shape[-1] == 1:
        return POINTWISE
    if x.device.type == "cpu" and _suit_columns(x, weight):
        return COLUMNS
    if winograd.is_faster(x, weight):
        return WINOGRAD
    return HALVES if halves.is_faster(x, weight) else NATIVE


def _suit_columns(x: Tensor, weight: Tensor) -> bool:
    voxels = x.shape[0] * x.shape[2:].numel()
    if x.dtype != torch.float32:
        return voxels <= FEW or is_smaller(x, weight)
    return voxels <= FEW and weight.shape[:2].numel() >= HEAVY * voxels and not halves.is_unrolled(x, weight)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve `[B, C, D, H, W]` with an odd kernel `[O, C, k, k, k]`, the image surrounded by zeros."""
    (x,) = lowered(arranged(x))
    return _Convolution.apply(x, weight, bias)  # type: ignore[no-any-return]


def rectified_convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve relu(x^), x^ being the instance norm of x; arguments as `convolve`."""
    (x,) = lowered(arranged(x))
    return _RectifiedConvolution.apply(x, weight, bias)[0]  # type: ignore[no-any-return]


class _Convolution(Function):
    """Weights are cast to the precision of x in here, so that no copy of them is kept."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _forward(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, weight, bias = inputs
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Gradients:
        x, weight = ctx.saved_tensors
        return _gradients(arranged(grad), x, weight, ctx.biased)


class _RectifiedConvolution(Function):
    """Keeps x, and computes relu(x^) again."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        normal, mean, rstd = normalise(x)
        return _forward(normal.relu_(), weight, bias), mean, rstd

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        (x, weight, bias), (_, mean, rstd) = inputs, output
        ctx.mark_non_differentiable(mean, rstd)
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.biased = bias is not None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Gradients:
        x, weight, mean, rstd = ctx.saved_tensors
        normal = torch.addcmul((-mean * rstd).to(x.dtype), x, rstd.to(x.dtype))
        positive = normal.relu()
        grad_positive, grad_weight, grad_bias = _gradients(arranged(grad), positive, weight, ctx.biased)
        grad_normal = torch.ops.aten.threshold_backward(grad_positive, positive, 0)
        return gradient(grad_normal, normal, rstd), grad_weight, grad_bias


def _forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    own = None if bias is None else bias.to(x.dtype)
    return arranged(fastest(x, weight).forward(x, weight.to(x.dtype), own))


def _gradients(grad: Tensor, x: Tensor, weight: Tensor, biased: bool) -> Gradients:
    grad_x, grad_weight = fastest(x, weight).backward(grad, x, weight.to(x.dtype))
    return arranged(grad_x), grad_weight, grad.sum(dim=(0, 2, 3, 4)) if biased else None


def _columns(x: Tensor, side: int) -> Tensor:
    """The neighbourhood of every voxel, `[C side^3, V]`."""
    padded = F.pad(x, [side // 2] * 6)
    windows = padded.unfold(2, side, 1).unfold(3, side, 1).unfold(4, side, 1)
    return windows.permute(1, 5, 6, 7, 0, 2, 3, 4).flatten(4).flatten(0, 3)


def _fold(columns: Tensor, shape: torch.Size, side: int) -> Tensor:
    """Add neighbourhoods up where they overlap: the transpose of `_columns`."""
    (B, C, D, H, W), margin = shape, side // 2
    neighbours = columns.view(C, side, side, side, B, D, H, W)
    padded = columns.new_zeros(C, B, D + 2 * margin, H + 2 * margin, W + 2 * margin)
    for d, h, w in product(range(side), repeat=3):
        padded[:, :, d : d + D, h : h + H, w : w + W] += neighbours[:, d, h, w]
    return padded[:, :, margin : margin + D, margin : margin + H, margin : margin + W].transpose(0, 1)
