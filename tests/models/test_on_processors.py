"""Convolutions on grids smaller than their kernel, as half precision has them on a processor."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from benchmark.training.task import SegmentationTask
from models.parts.convolution import convolve
from models.parts.on_processors import suit_processors

LAYERS = {
    "3^3 on 2^3": (lambda: nn.Conv3d(16, 16, 3, padding=1), (2, 2, 2)),
    "5^3 on 4^3": (lambda: nn.Conv3d(32, 32, 5, padding=2), (4, 4, 4)),
    "7^3 on 4^3": (lambda: nn.Conv3d(16, 16, 7, padding=3), (4, 4, 4)),
    "7^3 on 4^3, every other voxel": (lambda: nn.Conv3d(16, 16, 7, stride=2, padding=3), (4, 4, 4)),
    "5^3 on 4 x 8 x 8": (lambda: nn.Conv3d(16, 16, 5, padding=2), (4, 8, 8)),
    "depthwise 7^3 on 6^3": (lambda: nn.Conv3d(16, 16, 7, padding=3, groups=16, bias=False), (6, 6, 6)),
}


def of_weights(network: nn.Module, image: Tensor, *, half: bool) -> Tensor:
    """The gradient of all weights."""
    network.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        output = network(image)
    (output.float() * torch.linspace(-1, 1, output.numel()).view(output.shape)).sum().backward()
    return torch.cat([weights.grad.flatten() for weights in network.parameters()])


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_gradients_of_half_precision_are_those_of_single(layer: str, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    build, grid = LAYERS[layer]
    network = build()
    suit_processors(network)
    image = torch.randn(2, network.in_channels, *grid).contiguous(memory_format=layout)
    assert difference(of_weights(network, image, half=True), of_weights(network, image, half=False)) < 0.02


def test_a_training_keeps_to_it() -> None:
    torch.manual_seed(0)
    task = SegmentationTask(
        nn.Sequential(nn.Conv3d(2, 16, 3, padding=1), nn.Conv3d(16, 3, 3, padding=1)), ["a", "b", "c"]
    )
    image = torch.randn(2, 2, 2, 2, 2)
    assert difference(of_weights(task.network, image, half=True), of_weights(task.network, image, half=False)) < 0.02


class Ours(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 8, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.weight)


def test_our_own_convolution_keeps_to_it_in_large_volumes_with_a_short_side() -> None:
    torch.manual_seed(0)
    network, image = Ours(), torch.randn(2, 8, 2, 20, 20)
    assert difference(of_weights(network, image, half=True), of_weights(network, image, half=False)) < 0.02


@pytest.mark.parametrize("half", [False, True])
def test_elsewhere_no_bit_changes(half: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Conv3d(4, 4, 3, padding=1)
    kept = copy.deepcopy(plain)
    suit_processors(kept)
    image = torch.randn(1, 4, 3, 4, 5)
    assert torch.equal(of_weights(kept, image, half=half), of_weights(plain, image, half=half))
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        assert kept(image).dtype == plain(image).dtype


def test_the_result_is_of_the_precision_that_was_asked_for() -> None:
    layer = nn.Conv3d(4, 4, 3, padding=1)
    suit_processors(layer)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(1, 4, 2, 2, 2)).dtype == torch.bfloat16
    assert layer(torch.randn(1, 4, 2, 2, 2)).dtype == torch.float32
    assert layer.to(torch.bfloat16)(torch.randn(1, 4, 2, 2, 2).bfloat16()).dtype == torch.bfloat16


def test_a_copy_computes_with_its_own_weights() -> None:
    layer = nn.Conv3d(4, 4, 3, padding=1)
    suit_processors(layer)
    image = torch.randn(1, 4, 2, 2, 2)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        with torch.no_grad():
            copied.weight.zero_()
            copied.bias.zero_()
        assert copied.state_dict().keys() == layer.state_dict().keys()
        assert not copied(image).any() and layer(image).any()
