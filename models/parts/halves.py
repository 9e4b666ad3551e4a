"""A convolution of one image as that of a batch of two, its halves along depth.

In single precision on a processor PyTorch has oneDNN convolve a batch of several images, but a single one with few
channels it unrolls itself, each voxel's neighbourhood into a column (`use_mkldnn` in its aten/src/ATen/native/
Convolution.cpp). That takes up to fourteen times as long: 8 to 8 channels of 48^3 voxels, forward and backward on one
core, 372 ms beside 26. The halves overlap by what the kernel reaches, so nothing is computed twice.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

UNROLLED = 20480
"""Channels x depth x height up to which PyTorch unrolls a single image."""
LARGEST = 3
"""The side of a kernel up to which it does."""
ENOUGH = 8**3
"""Voxels from which on halves are faster."""
MOST = 12
"""Outputs for each channel up to which they are; beyond, few and short columns serve many outputs."""


def is_unrolled(x: Tensor, weight: Tensor) -> bool:
    """Whether PyTorch unrolls a convolution whose output has the size of x."""
    single = x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available()
    alone = x.dim() == 5 and len(x) == 1
    return single and alone and x.shape[1:4].numel() <= UNROLLED and 1 < max(weight.shape[2:]) <= LARGEST


def is_faster(x: Tensor, weight: Tensor) -> bool:
    """Whether to prefer it to PyTorch's own form, for a kernel of odd sides and an output of the size of x."""
    worth = x.shape[2:].numel() >= ENOUGH and weight.shape[0] <= MOST * weight.shape[1]
    return is_unrolled(x, weight) and x.shape[2] % 2 == 0 and worth


def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve `[1, C, D, H, W]`, D even, with `[O, C, k, k, k]`, the image surrounded by zeros."""
    halves = F.conv3d(_split(x, weight), weight, bias, padding=_margins(weight))
    return torch.cat(halves.split(1), dim=2)


def backward(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Map the gradient of the result, without its bias, to those of x and weight."""
    ones, zeros = [1] * 3, [0] * 3
    grad_halves, grad_weight, _ = torch.ops.aten.convolution_backward(
        torch.cat(grad.chunk(2, dim=2)), _split(x, weight), weight, None, ones, _margins(weight), ones,
        False, zeros, 1, [True, True, False],
    )  # fmt: skip
    front, back = grad_halves.split(1)
    half, margin = x.shape[2] // 2, weight.shape[2] // 2
    grad_padded = F.pad(front, (0, 0, 0, 0, 0, half)) + F.pad(back, (0, 0, 0, 0, half, 0))
    return grad_padded.narrow(2, margin, x.shape[2]), grad_weight


def _split(x: Tensor, weight: Tensor) -> Tensor:
    """Both halves with what the kernel reaches beyond them, `[2, C, D / 2 + k - 1, H, W]`."""
    half, reach = x.shape[2] // 2, weight.shape[2] - 1
    padded = F.pad(x, (0, 0, 0, 0, reach // 2, reach // 2))
    return torch.cat((padded[:, :, : half + reach], padded[:, :, half:]))


def _margins(weight: Tensor) -> list[int]:
    """What is left to surround with zeros along each axis."""
    return [0, weight.shape[3] // 2, weight.shape[4] // 2]
