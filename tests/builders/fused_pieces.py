"""Every fused piece of `models/parts` beside the plain layers that it stands for."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.parts.convolution import convolve, rectified_convolution
from models.parts.depthwise import depthwise
from models.parts.gate import gated_residual
from models.parts.instance_norm import normalised, normalised_leaky, normalised_residual
from models.parts.pointwise_pair import scaled_pair

B, C, SIZE = 2, 3, (4, 3, 5)


@dataclass(frozen=True)
class Piece:
    """A fused piece, the plain layers, and the shapes of what both take; the first `maps` inputs are feature maps."""

    fused: Callable[..., Tensor]
    plain: Callable[..., Tensor]
    shapes: tuple[tuple[int, ...], ...]
    maps: int

    def inputs(self, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        generator = torch.Generator().manual_seed(0)
        return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in self.shapes]


def plain_gate(query: Tensor, key: Tensor, value: Tensor, x: Tensor) -> Tensor:
    return x + (torch.sigmoid(query) * key / query.shape[1] ** 0.5).softmax(dim=-1) * value


def plain_pair(z: Tensor, x: Tensor, *parameters: Tensor) -> Tensor:
    weight, bias, expand, expand_bias, reduce, reduce_bias, gamma = parameters
    n = F.layer_norm(z.movedim(1, -1), (C,), weight, bias, eps=1e-6).movedim(-1, 1)
    hidden = F.gelu(F.conv3d(n, expand, expand_bias, groups=C))
    return x + gamma[:, None, None, None] * F.conv3d(hidden, reduce, reduce_bias, groups=C)


MAP = (B, C, *SIZE)
PIECES = {
    "convolution": Piece(convolve, lambda x, w, b: F.conv3d(x, w, b, padding=1), (MAP, (2, C, 3, 3, 3), (2,)), maps=1),
    "pointwise convolution": Piece(convolve, F.conv3d, (MAP, (2, C, 1, 1, 1), (2,)), maps=1),
    "rectified convolution": Piece(
        rectified_convolution,
        lambda x, w, b: F.conv3d(F.instance_norm(x).relu(), w, b, padding=1),
        (MAP, (2, C, 3, 3, 3), (2,)),
        maps=1,
    ),
    "depthwise convolution": Piece(
        depthwise, lambda x, w, b: F.conv3d(x, w, b, padding=3, groups=C), (MAP, (C, 1, 7, 7, 7), (C,)), maps=1
    ),
    "normalised": Piece(normalised, F.instance_norm, (MAP,), maps=1),
    "normalised, leaky": Piece(normalised_leaky, lambda x: F.leaky_relu(F.instance_norm(x), 0.01), (MAP,), maps=1),
    "normalised residual": Piece(
        normalised_residual, lambda x, y: F.leaky_relu(F.instance_norm(x) + y, 0.01), (MAP, MAP), maps=2
    ),
    "gate": Piece(gated_residual, plain_gate, (MAP,) * 4, maps=4),
    "scaled pair": Piece(
        scaled_pair,
        plain_pair,
        (MAP, MAP, (C,), (C,), (4 * C, 1, 1, 1, 1), (4 * C,), (C, 4, 1, 1, 1), (C,), (C,)),
        maps=2,
    ),
}


class Module(nn.Module):
    """A piece whose other inputs are parameters."""

    def __init__(self, piece: Piece) -> None:
        super().__init__()
        self.piece = piece
        self.weights = nn.ParameterList(piece.inputs(torch.float32)[piece.maps :])
        self.first = nn.Parameter(torch.ones(()))

    def forward(self, *maps: Tensor) -> Tensor:
        return self.piece.fused(maps[0] * self.first, *maps[1:], *self.weights)


def gradients(function: Callable[..., Tensor], inputs: list[Tensor]) -> tuple[Tensor, ...]:
    leaves = [each.detach().requires_grad_() for each in inputs]
    output = function(*leaves)
    return (output, *torch.autograd.grad(output.float().sin().sum(), leaves))
