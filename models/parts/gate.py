"""The gate of cross-attention as released: x + softmax(sigmoid(q) k / sqrt(C)) v, every product element by element.

With s = sigmoid(q) / sqrt(C), p = softmax(s k) along the width, and g the gradient of the result:

    dx = g        dv = p g        dz = p (g v - sum_w(g v p))        dk = s dz        dq = k dk (1 - sqrt(C) s)

Only q, k and v are kept; s and p are computed again, which is cheap beside writing and reading them.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from models.parts.layout import arranged


def gated_residual(query: Tensor, key: Tensor, value: Tensor, x: Tensor) -> Tensor:
    """Add the gated values to x; all `[B, C, D, H, W]`."""
    return _Gate.apply(*(arranged(each) for each in (query, key, value, x)))  # type: ignore[no-any-return]


class _Gate(Function):
    @staticmethod
    def forward(query: Tensor, key: Tensor, value: Tensor, x: Tensor) -> Tensor:
        return _weights(_scale(query) * key).mul_(value).add(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs[:3])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        query, key, value = ctx.saved_tensors
        scale, g = _scale(query), arranged(grad.to(query.dtype))
        weights = _weights(scale * key)
        grad_key = _weights_backward(g * value, weights).mul_(scale)
        grad_query = (grad_key * key).mul_(scale.mul_(-math.sqrt(query.shape[1])).add_(1))
        return grad_query, grad_key, weights.mul_(g), grad


def _scale(query: Tensor) -> Tensor:
    return query.sigmoid().mul_(1 / math.sqrt(query.shape[1]))


def _weights(score: Tensor) -> Tensor:
    """Softmax along the width; with the channels innermost, PyTorch's needs them last to leave memory as it is."""
    if score.is_contiguous():
        return score.softmax(dim=-1)
    return score.movedim(1, -1).softmax(dim=-2).movedim(-1, 1)


def _weights_backward(grad: Tensor, weights: Tensor) -> Tensor:
    if weights.is_contiguous():
        return torch._softmax_backward_data(grad, weights, 4, weights.dtype)
    grad, weights = grad.movedim(1, -1), weights.movedim(1, -1)
    return torch._softmax_backward_data(grad, weights, 3, weights.dtype).movedim(-1, 1)
