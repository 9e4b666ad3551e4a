"""What follows the depthwise convolution in a UX-Net block, as one operation that keeps its input alone.

For every voxel, with channels c and four hidden units j of each, h_cj = e_cj n_c + b_cj:

    n = layer_norm(z),        y_c = x_c + gamma_c (d_c + sum_j r_cj gelu(h_cj))

Written as grouped convolutions, the pair stores eight times its input; here z is kept, and n and h are computed again.
With g the gradient of y, and sums over all voxels,

    S_cj = sum g_c gelu(h_cj)            dr_cj = gamma_c S_cj        dd_c = gamma_c sum g_c
    H_cj = gamma_c r_cj g_c gelu'(h_cj)  db_cj = sum H_cj            de_cj = sum H_cj n_c        dn_c = sum_j e_cj H_cj
    dgamma_c = d_c sum g_c + sum_j r_cj S_cj                         dx = g
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

EPS = 1e-6
_aten = torch.ops.aten


def scaled_pair(z: Tensor, x: Tensor, *parameters: Tensor) -> Tensor:
    """Layer norm, point-wise pair, layer scale and residual.

    Args:
        z: `[B, C, D, H, W]`, the depthwise convolution's output.
        x: The residual, of the same shape.
        parameters: Weight and bias of the layer norm, `[C]` each; of the grouped convolution to four hidden units a
            channel, `[4 C, 1, 1, 1, 1]` and `[4 C]`; of the one back, `[C, 4, 1, 1, 1]` and `[C]`; the layer scale,
            `[C]`.
    """
    y, *_ = _ScaledPair.apply(z.movedim(1, -1), x.movedim(1, -1), *parameters)
    return y.movedim(-1, 1)  # type: ignore[no-any-return]


class _ScaledPair(Function):
    """Of tensors `[B, D, H, W, C]`."""

    @staticmethod
    def forward(z: Tensor, x: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, bias, *pair, shift, gamma = parameters
        n, mean, rstd = torch.native_layer_norm(z, weight.shape, weight, bias, EPS)
        out = torch.zeros_like(n, dtype=torch.promote_types(n.dtype, gamma.dtype))
        for e, b, r in _units(*pair):
            out.addcmul_(_aten.gelu_(torch.addcmul(b, n, e)), r)
        return out.add_(shift).mul_(gamma).add_(x), mean, rstd

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        z, _, *parameters = inputs
        _, mean, rstd = output
        ctx.mark_non_differentiable(mean, rstd)
        ctx.save_for_backward(z, mean, rstd, *parameters)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor, ...]:
        z, mean, rstd, weight, bias, expand, b, reduce, shift, gamma = ctx.saved_tensors
        n = torch.addcmul(bias, (z - mean) * rstd, weight)
        scaled, grad_n = grad * gamma, torch.zeros_like(n)
        sums = []
        for e, b_j, r in _units(expand, b, reduce):
            h = torch.addcmul(b_j, n, e)
            grad_h = _aten.gelu_backward(scaled * r, h)
            grad_n.addcmul_(grad_h, e)
            sums.append(torch.stack([_over_voxels(each) for each in (F.gelu(h).mul_(grad), grad_h, grad_h * n)]))
        of_gelu, grad_b, grad_e = torch.stack(sums, dim=-1)  # [C, 4] each
        total = _over_voxels(grad)
        grad_z, grad_weight, grad_bias = _aten.native_layer_norm_backward(
            grad_n.to(z.dtype), z, weight.shape, mean, rstd, weight, bias, [True, True, True]
        )
        return (
            *(grad_z, grad, grad_weight, grad_bias),
            *(grad_e.reshape(expand.shape), grad_b.flatten()),
            *((gamma[:, None] * of_gelu).reshape(reduce.shape), gamma * total),
            shift * total + (reduce.view_as(of_gelu) * of_gelu).sum(dim=1),
        )


def _units(expand: Tensor, bias: Tensor, reduce: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Weight, bias and weight of each of the four hidden units, `[C]` each."""
    return zip(*(each.view(len(reduce), -1).unbind(dim=1) for each in (expand, bias, reduce)), strict=True)


def _over_voxels(x: Tensor) -> Tensor:
    return x.flatten(0, -2).sum(dim=0)
