"""Winograd's form of a convolution beside the plain one."""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from models.parts import winograd
from models.parts.convolution import NATIVE, WINOGRAD, Form, convolve, fastest


def inputs(depth: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Image, weight, bias and the output's gradient."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 5, depth, 6, 7), (3, 5, 3, 3, 3), (3,), (2, 3, depth, 6, 7))
    image, weight, bias, grad = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return image.to(dtype), weight.to(dtype), bias.to(dtype), grad.to(dtype)


def results(form: Form, image: Tensor, weight: Tensor, bias: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
    return (
        form.forward(image, weight, bias),
        form.forward(image, weight, None),
        *form.backward(grad, image, weight),
    )


@pytest.mark.parametrize("depth", [4, 8, 20])
@pytest.mark.parametrize("slab", [1, 6 * 2 * 5 * 6 * 7, 2**20])  # one, two and all fours of planes at a time
def test_output_and_gradients_are_the_convolutions(depth: int, slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "SLAB", slab)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    given = inputs(depth, torch.float64)
    for found, expected in zip(results(WINOGRAD, *given), results(NATIVE, *given), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12 * float(expected.abs().max()))


def test_in_single_precision_they_are_as_near_as_rounding_allows() -> None:
    expected = results(NATIVE, *inputs(16, torch.float64))
    for found, exact in zip(results(WINOGRAD, *inputs(16, torch.float32)), expected, strict=True):
        torch.testing.assert_close(found.double(), exact, rtol=0, atol=2e-5 * float(exact.std()))


def test_the_result_lies_as_a_processor_wants_it() -> None:
    image, weight, bias, _ = inputs(8, torch.float32)
    assert WINOGRAD.forward(image, weight, bias).is_contiguous(memory_format=torch.channels_last_3d)


def test_shapes_alone_pass_forward_and_backward() -> None:
    with FakeTensorMode():
        leaves = [torch.empty(shape, requires_grad=True) for shape in ((1, 48, 16, 16, 16), (48, 48, 3, 3, 3), (48,))]
        assert fastest(*leaves[:2]) is WINOGRAD
        convolve(*leaves).sum().backward()
        assert all(leaf.grad is not None and leaf.grad.shape == leaf.shape for leaf in leaves)
