import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.unet3d import UNet3D


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameters_are_the_papers_with_batch_norms_and_up_convolution_biases() -> None:
    network = UNet3D(3, 3)
    norms = sum(parameters(module) for module in network.modules() if isinstance(module, nn.BatchNorm3d))
    biases = sum(up.bias.numel() for up in network.up)
    assert parameters(network) - norms - biases == 19_069_955


def test_multiply_adds_equal_those_measured_on_the_reference() -> None:
    with torch.device("meta"):
        network = UNet3D(2, 45)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 2, 96, 96, 96))
    assert parameters(network) == 19_077_389
    assert counter.get_total_flops() / 2e9 == pytest.approx(828, abs=1)


def test_channels_double_before_each_pooling_and_up_convolutions_keep_theirs() -> None:
    network = UNet3D(2, 5, width=4)
    shapes: list[torch.Size] = []
    for module in (*network.analysis, *network.up, *network.synthesis):
        module.register_forward_hook(lambda _, __, output: shapes.append(output.shape[1:3]))
    logits = network(torch.rand(2, 2, 16, 24, 32))
    assert shapes == [(8, 16), (16, 8), (32, 4), (64, 2), (64, 4), (32, 4), (32, 8), (16, 8), (16, 16), (8, 16)]
    assert logits.shape == (2, 5, 16, 24, 32)


def test_patch_that_cannot_be_halved_three_times_is_refused() -> None:
    with pytest.raises(ValueError, match=r"UNet3D takes patches whose sides are multiples of 8.*got \(20, 32, 32\)"):
        UNet3D(2, 5, patch_size=[20, 32, 32])
