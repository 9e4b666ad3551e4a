"""Batch norm over the patches of all ranks, so that a network sees the same batch whatever their number.

PyTorch's SyncBatchNorm does this on GPUs and refuses processors; this one is the same on both. Ranks hold equally many
patches, so the moments of the whole batch are means of the ranks' own (Chan, Golub and LeVeque 1979).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from benchmark.training.processes import of_all_ranks, ranks

KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def share_batch_norm(network: nn.Module) -> nn.Module:
    """Let all batch norms of a network have their statistics over all ranks, in place; parameters stay what they are.

    Returns:
        The network, or what takes its place where it is a batch norm itself.
    """
    if isinstance(network, KINDS):
        return SharedBatchNorm(network)
    for name, child in network.named_children():
        setattr(network, name, share_batch_norm(child))
    return network


class SharedBatchNorm(_BatchNorm):
    """A batch norm that trains with the statistics of all ranks."""

    def __init__(self, own: _BatchNorm) -> None:
        """Take the place of `own`, with its parameters, buffers and mode."""
        super().__init__(own.num_features, own.eps, own.momentum, own.affine, own.track_running_stats)
        self._parameters, self._buffers = own._parameters, own._buffers
        self.train(own.training)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `[B, C, ...]`."""
        if not self.training:
            return super().forward(x)
        normal, mean, variance = _Normalise.apply(x, self.weight, self.bias, self.eps)
        if self.track_running_stats:
            self._remember(mean, variance, x.numel() // x.shape[1] * ranks())
        result: Tensor = normal
        return result

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  as its base calls it
        """Any number of axes: the norm whose place this takes has been chosen for them."""

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Update the running statistics, as PyTorch does, without reading anything back from a device."""
        kept = dict(self.named_buffers())
        steps = kept["num_batches_tracked"].add_(1)
        for name, value in (("running_mean", mean), ("running_var", variance * (count / (count - 1)))):
            share = (1 / steps).to(kept[name]) if self.momentum is None else self.momentum
            kept[name].lerp_(value.to(kept[name]), share)


class _Normalise(Function):
    """Normalise with the mean and (biased) variance of the whole batch, which are returned too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> tuple[Tensor, ...]:
        variance, mean = torch.var_mean(_precise(x), _axes(x), correction=0)
        means, variances = of_all_ranks(torch.stack([mean, variance])).unbind(1)
        mean = means.mean(0)
        variance = (variances + (means - mean) ** 2).mean(0)
        ctx.save_for_backward(x, mean, variance, weight)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, weight, bias, eps=eps), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, variance, weight = ctx.saved_tensors
        spread = [1, -1] + [1] * (x.ndim - 2)
        gradient = _precise(gradients[0])
        scale = (variance + ctx.eps).rsqrt()
        normal = (_precise(x) - mean.view(spread)) * scale.view(spread)
        of_bias, of_weight = gradient.sum(_axes(x)), (gradient * normal).sum(_axes(x))
        shift, slope = of_all_ranks(torch.stack([of_bias, of_weight])).mean(0) * (x.shape[1] / x.numel())
        gain = scale if weight is None else scale * weight
        of_x = (gradient - shift.view(spread) - normal * slope.view(spread)) * gain.view(spread)
        own = (None, None) if weight is None else (of_weight.to(weight), of_bias.to(weight))
        return of_x.to(x), *own, None


def _axes(x: Tensor) -> list[int]:
    return [0, *range(2, x.ndim)]


def _precise(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
