"""Every fused piece beside the layers that it stands for, and as autograd's tools meet it."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.distributed
import torch.nn.functional as F
from builders.fused_pieces import PIECES, Module, Piece, gradients
from builders.pretended_gpu import pretended_gpu
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.utils.checkpoint import checkpoint

from benchmark.bench.measuring import measure
from models.parts import convolution
from models.parts.convolution import COLUMNS, HALVES, NATIVE, POINTWISE, WINOGRAD, convolve, fastest
from models.parts.depthwise import depthwise
from models.parts.instance_norm import normalise


@pytest.fixture(params=PIECES)
def piece(request: pytest.FixtureRequest) -> Piece:
    return PIECES[request.param]


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes of these tests are so small that a convolution would always be done by columns."""
    monkeypatch.setattr(convolution, "FEW", 0)


def assert_same(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = max(1.0, float(other.detach().abs().max()))
        torch.testing.assert_close(one.to(other.dtype), other, rtol=0, atol=tolerance * scale)


def test_output_and_gradients_are_those_of_the_layers_it_stands_for(piece: Piece) -> None:
    assert_same(gradients(piece.fused, piece.inputs()), gradients(piece.plain, piece.inputs()), 1e-12)


@pytest.mark.usefixtures("any_size")
def test_so_they_are_in_single_precision_in_volumes_of_any_size(piece: Piece) -> None:
    expected = gradients(piece.plain, piece.inputs())
    assert_same(gradients(piece.fused, piece.inputs(torch.float32)), expected, 1e-5)


def test_gradients_pass_gradcheck(piece: Piece) -> None:
    assert torch.autograd.gradcheck(piece.fused, [each.requires_grad_() for each in piece.inputs()])


@pytest.mark.usefixtures("any_size")
def test_gradients_pass_gradcheck_by_the_native_form() -> None:
    inputs = [each.requires_grad_() for each in PIECES["convolution"].inputs()]
    assert torch.autograd.gradcheck(convolve, inputs)


def test_inputs_may_lie_in_memory_as_they_like(piece: Piece) -> None:
    expected = gradients(piece.fused, piece.inputs())
    scattered = [each.flip(0).repeat_interleave(2, -1).flip(0)[..., ::2] for each in piece.inputs()]
    innermost = [
        each.contiguous(memory_format=torch.channels_last_3d) if each.dim() == 5 else each for each in piece.inputs()
    ]
    for inputs in (scattered, innermost):
        assert_same(gradients(piece.fused, inputs), expected, 1e-12)


def test_used_twice_in_one_graph_it_gives_both_gradients(piece: Piece) -> None:
    first, *others = piece.inputs()
    expected = gradients(lambda x, *more: piece.plain(x, *more) + piece.plain(2 * x, *more), [first, *others])
    found = gradients(lambda x, *more: piece.fused(x, *more) + piece.fused(2 * x, *more), [first, *others])
    assert_same(found, expected, 1e-11)


def test_under_autocast_it_is_as_near_as_half_precision_allows(piece: Piece) -> None:
    expected = gradients(piece.plain, piece.inputs(torch.float32))

    def lowered(*inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return piece.fused(*inputs)

    found = gradients(lowered, piece.inputs(torch.float32))
    assert all(each.dtype == torch.float32 for each in found[1:])
    assert_same(found, expected, 0.05)


def test_it_runs_where_only_deterministic_algorithms_are_allowed(piece: Piece) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        first, second = (gradients(piece.fused, piece.inputs(torch.float32)) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_activation_checkpointing_changes_no_bit(piece: Piece) -> None:
    plain = gradients(piece.fused, piece.inputs(torch.float32))
    again = gradients(lambda *x: checkpoint(piece.fused, *x, use_reentrant=False), piece.inputs(torch.float32))
    assert all(torch.equal(one, other) for one, other in zip(plain, again, strict=True))


def test_functional_gradients_are_autograds(piece: Piece) -> None:
    module, maps = Module(piece), piece.inputs(torch.float32)[: piece.maps]
    module(*maps).sin().sum().backward()
    parameters = dict(module.named_parameters())
    found = grad(lambda weights: functional_call(module, weights, tuple(maps)).sin().sum())(parameters)
    for name, parameter in parameters.items():
        torch.testing.assert_close(found[name], parameter.grad)


def test_an_instance_norm_of_many_voxels_is_exact_however_they_lie_in_memory() -> None:
    x = torch.randn(1, 2, 96, 96, 96, generator=torch.Generator().manual_seed(0)) + 1
    expected = F.instance_norm(x.double())
    for order in (torch.contiguous_format, torch.channels_last_3d):
        normal, _, _ = normalise(x.contiguous(memory_format=order))
        torch.testing.assert_close(normal.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1), (2, 1, 3), (1, 1, 2)])
def test_an_instance_norm_takes_grids_of_single_voxels(shape: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    normal, _, _ = normalise(x.contiguous(memory_format=torch.channels_last_3d))
    torch.testing.assert_close(normal, F.instance_norm(x))


def depthwise_inputs() -> list[Tensor]:
    return [torch.rand(1, 8, 32, 32, 32), torch.rand(8, 1, 7, 7, 7), torch.rand(8)]


def depthwise_gradient(inputs: list[Tensor]) -> float:
    return float(gradients(depthwise, inputs)[2].sum())


def test_the_gradients_of_a_depthwise_convolution_need_little_memory() -> None:
    cost, _ = measure(depthwise_inputs, depthwise_gradient)
    assert cost.added_mib < 80  # where oneDNN pads the image, it takes 128 MiB for itself


@pytest.mark.parametrize("device", ["meta", "cuda"])
def test_shapes_alone_pass_forward_and_backward(piece: Piece, device: str) -> None:
    with pretended_gpu() if device == "cuda" else nullcontext():
        leaves = [torch.empty(shape, device=device, requires_grad=True) for shape in piece.shapes]
        output = piece.fused(*leaves)
        output.sum().backward()
        assert output.device.type == device
        assert all(leaf.grad is not None and leaf.grad.shape == leaf.shape for leaf in leaves)


@pytest.fixture
def alone(tmp_path: Any) -> Iterator[None]:
    """A process group of this process alone."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("alone")
def test_distributed_training_finds_every_gradient(piece: Piece) -> None:
    module, maps = Module(piece), piece.inputs(torch.float32)[: piece.maps]
    nn.parallel.DistributedDataParallel(module)(*maps).sin().sum().backward()
    spread = [parameter.grad for parameter in module.parameters()]
    other = Module(piece)
    other(*maps).sin().sum().backward()
    for found, parameter in zip(spread, other.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad)


def test_the_form_of_a_convolution_depends_on_kernel_shape_precision_and_device() -> None:
    x = torch.empty(2, 2, 16, 16, 16)
    kernel, point = torch.empty(2, 2, 3, 3, 3), torch.empty(2, 2, 1, 1, 1)
    assert fastest(x, kernel) is NATIVE
    single = x[:1]
    assert fastest(single, kernel) is HALVES
    assert all(fastest(other, kernel) is NATIVE for other in (single.double(), single.bfloat16(), single.to("meta")))
    assert fastest(x, point) is POINTWISE
    few, heavy = torch.empty(2, 192, 4, 4, 4), torch.empty(192, 192, 3, 3, 3)
    assert all(fastest(other, heavy) is COLUMNS for other in (few, few.double(), few.bfloat16()))
    assert all(fastest(other, heavy) is NATIVE for other in (few.to("meta"), few[:1]))  # unrolled by PyTorch as well
    light = few[:, :2]
    assert fastest(light, kernel) is NATIVE
    assert all(fastest(other, kernel) is COLUMNS for other in (light.double(), light.bfloat16()))
    smaller = torch.empty(200, 2, 2, 2, 2)
    assert fastest(smaller, kernel) is NATIVE and fastest(smaller.bfloat16(), kernel) is COLUMNS
    wide, deep = torch.empty(2, 48, 16, 16, 16), torch.empty(48, 48, 3, 3, 3)
    assert fastest(wide, deep) is WINOGRAD
    others = (wide.double(), wide.bfloat16(), wide.to("meta"), wide[:, :, 1:], wide[..., :6])
    assert all(fastest(other, deep) is NATIVE for other in others)
    assert fastest(wide, deep[:47]) is NATIVE
    assert fastest(wide, torch.empty(48, 48, 5, 5, 5)) is NATIVE
