"""Convolutions of one image as those of its halves."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.parts import halves
from models.parts.convolution import HALVES, convolve, fastest
from models.parts.on_processors import suit_processors

PRECISIONS = (torch.float32, torch.float64)


def case(kernel: tuple[int, int, int], grid: tuple[int, int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (1, 3, *grid), (5, 3, *kernel), (5,), (1, 5, *grid)
    x, weight, bias, grad = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return x, weight, bias, grad


@pytest.mark.parametrize("grid", [(8, 9, 7), (2, 3, 4), (10, 8, 8)])
@pytest.mark.parametrize("kernel", [(3, 3, 3), (1, 3, 3), (3, 1, 3), (5, 3, 1)])
def test_halves_are_the_convolution_and_its_gradients(kernel, grid):
    x, weight, bias, grad = case(kernel, grid)
    leaves = [each.clone().requires_grad_() for each in (x, weight)]
    whole = F.conv3d(*leaves, bias, padding=[side // 2 for side in kernel])
    torch.testing.assert_close(halves.forward(x, weight, bias), whole, rtol=0, atol=1e-12)
    whole.backward(grad)
    for found, leaf in zip(halves.backward(grad, x, weight), leaves, strict=True):
        torch.testing.assert_close(found, leaf.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [(20, True), (21, False)])
def test_halves_are_for_what_this_pytorch_unrolls(channels: tuple[int, bool]):
    count, unrolled = channels
    x, weight = torch.empty(1, count, 32, 32, 32), torch.empty(4, count, 3, 3, 3)
    assert halves.is_faster(x, weight) == unrolled
    for image, expected in ((x, unrolled), (x.expand(2, -1, -1, -1, -1), False)):
        asked = ([1] * 3, [1] * 3, [1] * 3, False, [0] * 3, 1, None)
        backend = torch._C._select_conv_backend(image, weight, None, *asked)
        assert (backend == torch._C._ConvBackend.Slow3d) == expected


def test_many_outputs_of_few_channels_are_left_to_pytorch():
    image = torch.empty(1, 2, 32, 32, 32)
    assert [halves.is_faster(image, torch.empty(count, 2, 3, 3, 3)) for count in (24, 48)] == [True, False]


def test_an_image_of_one_channel_without_a_batch_is_no_batch_of_one():
    torch.manual_seed(0)
    plain, suited = pair(in_channels=1)
    image = torch.randn(1, 16, 24, 24)
    assert all(map(torch.equal, train(suited, image), train(plain, image)))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.Size]]:
    """The shapes that were convolved in halves."""
    shapes: list[torch.Size] = []
    forward = halves.forward

    def noted(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        shapes.append(x.shape)
        return forward(x, weight, bias)

    monkeypatch.setattr(halves, "forward", noted)
    yield shapes


def train(layer: nn.Module, image: Tensor) -> list[Tensor]:
    """The result, and the gradients of image and weights."""
    leaf = image.clone().requires_grad_()
    output = layer(leaf)
    (output.float() * torch.linspace(-1, 1, output.numel()).view(output.shape)).sum().backward()
    return [output.detach(), leaf.grad, *(parameter.grad for parameter in layer.parameters())]


def pair(**settings: Any) -> tuple[nn.Conv3d, nn.Conv3d]:
    """A layer, and one of the same weights that suits processors."""
    chosen = {"in_channels": 4, "out_channels": 8, "kernel_size": 3, "padding": 1, **settings}
    plain, suited = (nn.Conv3d(**chosen) for _ in range(2))
    suited.load_state_dict(plain.state_dict())
    suit_processors(suited)
    return plain, suited


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("biased", [True, False])
def test_any_layer_trains_on_a_single_image_in_halves(layout: torch.memory_format, biased: bool, taken: list[Any]):
    torch.manual_seed(0)
    plain, suited = pair(bias=biased)
    image = torch.randn(1, 4, 10, 9, 8).contiguous(memory_format=layout)
    exact = train(plain.double(), image.double())
    for found, expected in zip(train(suited, image), exact, strict=True):
        torch.testing.assert_close(found, expected.float(), rtol=0, atol=2e-5 * float(expected.abs().max()))
    assert taken == [image.shape]


def test_our_own_convolution_has_them_as_a_form():
    x, weight, bias, grad = (each.float() for each in case((3, 3, 3), (8, 9, 8)))
    assert fastest(x, weight) is HALVES
    found, exact = ([each.detach().to(dtype).requires_grad_() for each in (x, weight, bias)] for dtype in PRECISIONS)
    convolve(*found).backward(grad)
    F.conv3d(*exact, padding=1).backward(grad.double())
    for single, double in zip(found, exact, strict=True):
        torch.testing.assert_close(single.grad, double.grad.float(), rtol=0, atol=2e-5 * float(double.grad.abs().max()))


UNSUITED: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "two images": ({}, (2, 4, 10, 10, 10)),
    "an odd depth": ({}, (1, 4, 9, 10, 10)),
    "few voxels": ({}, (1, 4, 6, 8, 8)),
    "every other voxel": ({"stride": 2}, (1, 4, 10, 10, 10)),
    "a dilated kernel": ({"dilation": 2, "padding": 2}, (1, 4, 10, 10, 10)),
    "groups": ({"groups": 2}, (1, 4, 10, 10, 10)),
    "no margin": ({"padding": 0}, (1, 4, 10, 10, 10)),
    "a margin that isn't zero": ({"padding_mode": "reflect"}, (1, 4, 10, 10, 10)),
    "an even kernel": ({"kernel_size": 2}, (1, 4, 10, 10, 10)),
    "single voxels": ({"kernel_size": 1, "padding": 0}, (1, 4, 10, 10, 10)),
    "a large kernel": ({"kernel_size": 5, "padding": 2}, (1, 4, 10, 10, 10)),
}


@pytest.mark.parametrize("kind", UNSUITED)
def test_elsewhere_no_bit_changes(kind: str, taken: list[Any]):
    torch.manual_seed(0)
    settings, shape = UNSUITED[kind]
    plain, suited = pair(**settings)
    image = torch.randn(shape)
    assert all(map(torch.equal, train(suited, image), train(plain, image)))
    assert taken == []


def test_results_without_gradients_keep_their_bits(taken: list[Any]):
    torch.manual_seed(0)
    plain, suited = pair()
    image = torch.randn(1, 4, 10, 10, 10)
    with torch.no_grad():
        assert torch.equal(suited(image), plain(image))
    assert taken == []


def test_half_and_double_precision_are_left_to_pytorch(taken: list[Any]):
    plain, suited = pair()
    image = torch.randn(1, 4, 10, 10, 10)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(suited(image), plain(image))
    assert torch.equal(suited.double()(image.double()), plain.double()(image.double()))
    assert taken == []
