"""Instance norm with what follows it, from which the normalised values are got back instead of being stored.

x^ = (x - mean) / sqrt(variance + 1e-5), of each channel of each sample by itself, without weights. Its gradient

    dx = rstd (dx^ - mean(dx^) - x^ mean(x^ dx^))

asks for x^ and rstd alone, never for x. The leaky ReLU can be undone, and a sum as long as its other part is kept:

- `normalised`, x^ itself, keeps its output;
- `normalised_leaky`, leaky(x^), keeps its output, which the next convolution keeps anyway;
- `normalised_residual`, leaky(x^ + shortcut), keeps its output and the shortcut.

PyTorch's batch norm computes it: over one sample, its statistics are those of the instance. With the channels
innermost it adds all voxels up one after the other in single precision, which is off by 4e-4 over 96^3 of them (1.2e-3
on one thread); there they are taken of each plane by itself, in the same time and to 2e-6.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from models.parts.layout import arranged

EPS = 1e-5
SLOPE = 0.01  # of the leaky ReLU


def normalised(x: Tensor) -> Tensor:
    """Normalise each channel of each sample of `[B, C, D, H, W]`."""
    return _Normalised.apply(arranged(x))[0]  # type: ignore[no-any-return]


def normalised_leaky(x: Tensor) -> Tensor:
    """The leaky ReLU of `normalised`."""
    return _NormalisedLeaky.apply(arranged(x))[0]  # type: ignore[no-any-return]


def normalised_residual(x: Tensor, shortcut: Tensor) -> Tensor:
    """The leaky ReLU of the sum of `normalised(x)` and a shortcut of the same shape."""
    return _NormalisedResidual.apply(arranged(x), arranged(shortcut.to(x.dtype)))[0]  # type: ignore[no-any-return]


def normalise(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Outside of autograd: x^, and mean and rstd of each channel, `[B, C, 1, 1, 1]`, in float32 at least."""
    parts = []
    for part in _instances(x):
        one = torch.ones(part.shape[1], dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
        parts.append(_normalise(part, one, torch.zeros_like(one)))
    values, *statistics = zip(*parts, strict=True)
    mean, rstd = (torch.cat(each).view(*x.shape[:2], 1, 1, 1) for each in statistics)
    return _joined(values, x.shape), mean, rstd


def _normalise(x: Tensor, one: Tensor, zero: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x^, mean and rstd of one instance."""
    if x.is_contiguous():
        return torch.native_batch_norm(x, one, zero, None, None, True, 0.0, EPS)
    running = (zero.clone(), one.clone())  # not read; NaN afterwards where planes are single voxels
    planes = (torch.ops.aten.batch_norm_update_stats(plane, *running, 0.0) for plane in x.split(1, dim=2))
    means, variances = (torch.stack(each) for each in zip(*planes, strict=True))
    mean, variance = means.mean(dim=0), variances.mean(dim=0) + means.var(dim=0, correction=0)
    normal, *_ = torch.native_batch_norm(x, one, zero, mean, variance, False, 0.0, EPS)
    return normal, mean, (variance + EPS).rsqrt()


def gradient(grad: Tensor, normal: Tensor, rstd: Tensor) -> Tensor:
    """Outside of autograd: the gradient of x, given that of x^, x^ itself, and rstd."""
    parts = []
    instances = _instances(normal)
    for part, part_grad, scale in zip(instances, _instances(grad), rstd.view(len(instances), -1), strict=True):
        one = torch.ones_like(scale)
        parts.append(
            torch.ops.aten.native_batch_norm_backward(
                part_grad, part, scale, None, None, torch.zeros_like(one), one, True, EPS, [True, False, False]
            )[0]
        )
    return _joined(parts, normal.shape)


def _instances(x: Tensor) -> tuple[Tensor, ...]:
    """Views `[1, channels, D, H, W]` in which every channel is one of a single sample."""
    return (x.flatten(0, 1)[None],) if x.is_contiguous() else x.split(1)


def _joined(parts: Any, shape: torch.Size) -> Tensor:
    # Not `view` where the shape is right: it may give a batch of one other strides, and convolutions go by them.
    x: Tensor = parts[0] if len(parts) == 1 else torch.cat(parts)
    return x if x.shape == shape else x.view(shape)


class _Normalised(Function):
    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        normal, _, rstd = normalise(x)
        return normal, rstd

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Any) -> Tensor:
        normal, rstd = ctx.saved_tensors
        return gradient(arranged(grad), normal, rstd)


class _NormalisedLeaky(_Normalised):
    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        normal, _, rstd = normalise(x)
        return F.leaky_relu_(normal, SLOPE), rstd

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Any) -> Tensor:
        output, rstd = ctx.saved_tensors
        return gradient(_before_leaky(grad, output), F.leaky_relu(output, 1 / SLOPE), rstd)


class _NormalisedResidual(Function):
    @staticmethod
    def forward(x: Tensor, shortcut: Tensor) -> tuple[Tensor, Tensor]:
        normal, _, rstd = normalise(x)
        return F.leaky_relu_(normal.add_(shortcut), SLOPE), rstd

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(inputs[1], *output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor, Tensor]:
        shortcut, output, rstd = ctx.saved_tensors
        grad = _before_leaky(grad, output)
        return gradient(grad, F.leaky_relu(output, 1 / SLOPE).sub_(shortcut), rstd), grad


def _before_leaky(grad: Tensor, output: Tensor) -> Tensor:
    """The gradient before the leaky ReLU; its output has the sign of its input."""
    before: Tensor = torch.ops.aten.leaky_relu_backward(arranged(grad), output, SLOPE, True)
    return before
