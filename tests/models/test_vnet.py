import pytest
import torch
from monai.networks import nets
from torch.utils.flop_counter import FlopCounterMode

from models.vnet import VNet


@torch.no_grad()
def test_full_width_is_monais_vnet() -> None:
    network, reference = VNet(2, 5).eval(), nets.VNet(in_channels=2, out_channels=5).eval()
    network.load_state_dict(reference.state_dict())
    image = torch.rand(1, 2, 32, 32, 32)
    assert torch.equal(network(image), reference(image))


def test_dropout_is_monais() -> None:
    torch.manual_seed(0)
    network, reference = VNet(2, 5), nets.VNet(in_channels=2, out_channels=5)
    rates = [
        [(name, module.p) for name, module in net.named_modules() if isinstance(module, torch.nn.Dropout3d)]
        for net in (network, reference)
    ]
    assert rates[0] == rates[1]


def test_parameters_and_multiply_adds_equal_those_measured_on_the_reference() -> None:
    with torch.device("meta"):
        network = VNet(2, 45)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 2, 96, 96, 96))
    assert sum(parameter.numel() for parameter in network.parameters()) == 45_774_048
    assert round(counter.get_total_flops() / 2e9) == 464


def test_modalities_that_do_not_divide_the_width_are_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"must divide 16; got 3\. Choose one of \[1, 2, 4, 8, 16\]"):
        VNet(3, 5)
    VNet(3, 5, width=12)


def test_patch_that_leaves_one_voxel_at_the_deepest_level_is_refused() -> None:
    with pytest.raises(ValueError, match=r"VNet takes patches .* at least 32 voxels"):
        VNet(2, 5, patch_size=(16, 32, 32))
