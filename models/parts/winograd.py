"""Convolutions of 3^3 with half the multiplications: Winograd's minimal filtering, along depth.

Four neighbouring outputs of a filter g of three taps, over six inputs d, take six multiplications instead of twelve:
y = A^T [(G g) * (B^T d)], in which filter and inputs are polynomials, whose product is known from its values at six
points. Each of the six products is here a convolution over height and width, by PyTorch's own.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. The points are those of Barabasz et al.,
"Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", ACM TOMS 46(4), 2020: in
single precision the outputs are then as near to the exact ones as PyTorch's, 1e-5 standard deviations.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS, OUTPUTS = 3, 4
INPUTS = OUTPUTS + TAPS - 1
POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
"""Where polynomials are evaluated, besides infinity."""

WIDE, MANY = 48, 12**3
"""Channels in and out, and voxels, from which on it is the faster form on a processor."""
SLAB = 2**20
"""About how many values each thread transforms at once, so that a processor's cache holds them."""


def _evaluation(terms: int) -> Tensor:
    """Matrix from the coefficients of a polynomial to its values at the points and, its leading one, at infinity."""
    rows = [[point**power for power in range(terms)] for point in POINTS]
    return torch.tensor([*rows, [0.0] * (terms - 1) + [1.0]], dtype=torch.float64)


# Lists, as tensors made on import can't be mixed with fake ones.
COLLECT: list[list[float]] = _evaluation(OUTPUTS).t().tolist()
"""A^T `[4, 6]`, from products to outputs."""
VALUES: list[list[float]] = _evaluation(TAPS).tolist()
"""G `[6, 3]`, from taps to values."""
SPREAD: list[list[float]] = torch.linalg.inv(_evaluation(INPUTS)).t().tolist()
"""B^T `[6, 6]`, from inputs to values."""


def is_faster(x: Tensor, weight: Tensor) -> bool:
    """Whether to prefer it to PyTorch's own form: on a processor, in single precision, where there is much to do."""
    single = x.device.type == "cpu" and x.dtype == torch.float32
    fits = weight.shape[2:] == (TAPS,) * 3 and x.shape[2] % OUTPUTS == 0
    return single and fits and min(weight.shape[:2]) >= WIDE and x.shape[2:].numel() >= MANY


def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve `[B, C, D, H, W]`, D a multiple of four, with `[O, C, 3, 3, 3]`, the image surrounded by zeros.

    The result, `[B, O, D, H, W]`, has its channels innermost in memory.
    """
    values = torch.einsum("pt,octhw->pochw", weight.new_tensor(VALUES), weight)
    filters = [each.contiguous(memory_format=torch.channels_last) for each in values]
    collect = x.new_tensor(COLLECT)
    out = x.new_empty(len(x), *x.shape[2:], len(weight))
    for image, own in zip(_innermost(x), out, strict=True):
        for slab in _slabs(image):
            products = [_convolve(value, each) for value, each in zip(_spread(image, slab), filters, strict=True)]
            outputs = _mixed(collect, torch.stack(products))
            target = _fours(own[slab])
            target.copy_(outputs) if bias is None else torch.add(outputs, bias, out=target)
    return out.permute(0, 4, 1, 2, 3)


def backward(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of x and of the weight, given the output's; D is a multiple of four."""
    return forward(grad, weight.flip(2, 3, 4).transpose(0, 1), None), _weight_gradient(grad, x, weight)


def _weight_gradient(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    scatter, kernel = x.new_tensor(COLLECT).t(), weight[:, :, 0]
    total = weight.new_zeros(INPUTS, *kernel.shape)
    for image, slope in zip(_innermost(x), _innermost(grad), strict=True):
        for slab in _slabs(image):
            of_products = _mixed(scatter, _fours(slope[slab]))
            for own, value, of_filter in zip(of_products, _spread(image, slab), total, strict=True):
                of_filter += _kernel_gradient(own, value, kernel)
    return torch.einsum("pt,pochw->octhw", weight.new_tensor(VALUES), total)


def _slabs(image: Tensor) -> Iterator[slice]:
    """Cut an image `[D, H, W, C]` into multiples of four planes."""
    fours = SLAB * torch.get_num_threads() // (INPUTS * image[0].numel())
    step = OUTPUTS * max(1, fours)
    return (slice(start, min(start + step, len(image))) for start in range(0, len(image), step))


def _spread(image: Tensor, slab: slice) -> Tensor:
    """The values `[6, T, H, W, C]` of the slab's T overlapping sixes of planes of an image `[D, H, W, C]`."""
    outside = (int(slab.start == 0), int(slab.stop == len(image)))
    planes = F.pad(image[max(slab.start - 1, 0) : slab.stop + 1], (*[0] * 6, *outside))
    return _mixed(image.new_tensor(SPREAD), planes.unfold(0, INPUTS, OUTPUTS).movedim(-1, 0))


def _mixed(matrix: Tensor, x: Tensor) -> Tensor:
    """Multiply along the first axis."""
    return (matrix @ x.flatten(1)).view(len(matrix), *x.shape[1:])


def _fours(planes: Tensor) -> Tensor:
    """View `[4 T, H, W, C]` as `[4, T, H, W, C]`."""
    return planes.view(-1, OUTPUTS, *planes.shape[1:]).transpose(0, 1)


def _convolve(planes: Tensor, kernel: Tensor) -> Tensor:
    """`[T, H, W, C]` with `[O, C, 3, 3]` to `[T, H, W, O]`."""
    return F.conv2d(planes.permute(0, 3, 1, 2), kernel, padding=1).permute(0, 2, 3, 1)


def _kernel_gradient(grad: Tensor, planes: Tensor, kernel: Tensor) -> Tensor:
    """The gradient of the kernel of `_convolve`, from its output's."""
    ones, zeros = [1, 1], [0, 0]
    of_kernel: Tensor
    _, of_kernel, _ = torch.ops.aten.convolution_backward(
        *(grad.permute(0, 3, 1, 2), planes.permute(0, 3, 1, 2), kernel, None),
        *(ones, ones, ones, False, zeros, 1, [False, True, False]),
    )
    return of_kernel


def _innermost(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 4, 1)
