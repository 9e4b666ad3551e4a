from typing import Any

import pytest
import torch
from builders.fingerprint import assert_matches, fill, fixed_input
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.cross_fusion import CrossFusion
from models.parts.fusion import FUSIONS
from models.uxnet3d import UXNet3D

WIDTHS: dict[str, Any] = {"patch_size": [32, 32, 32], "feature_sizes": [8, 16, 32, 64], "hidden_size": 128}
TINY = {**WIDTHS, "feature_sizes": [2, 4, 6, 8], "hidden_size": 10, "depths": [1, 2, 1, 1]}
NAMES = [*FUSIONS, "input"]
PARAMETERS = {  # 45 classes, full width: encoder uxnet, encoder unet
    "gated": (243_377_373, 249_971_469),
    "dot_product": (243_377_373, 249_971_469),
    "self_attention": (243_377_373, 249_971_469),
    "concatenation": (116_464_413, 123_058_509),
    "addition": (53_009_373, 59_603_469),
    "bottleneck": (196_342_749, 202_936_845),
    "input": (53_025_837, 59_604_765),
}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
@pytest.mark.parametrize(
    ("fusion", "case"),
    [("gated", "proposed_CA_small_32"), ("self_attention", "proposed_SA_small_32"), ("input", "uxnet_in2_small_32")],
)
def test_small_network_computes_what_the_reference_computes(fusion: str, case: str) -> None:
    assert_matches(fill(CrossFusion(2, 5, fusion=fusion, **WIDTHS))(fixed_input(2, (32, 32, 32))), case)


@pytest.mark.parametrize("fusion", NAMES)
def test_parameters_of_every_fusion_are_those_documented(fusion: str) -> None:
    with torch.device("meta"):
        found = tuple(parameters(CrossFusion(2, 45, fusion=fusion, encoder=name)) for name in ("uxnet", "unet"))
    assert found == PARAMETERS[fusion]


@pytest.mark.parametrize(
    ("fusion", "n"), [("concatenation", 69), ("bottleneck", 53), ("addition", 103), ("input", 103)]
)
def test_matched_widths_come_within_two_percent_of_the_proposed_network(fusion: str, n: int) -> None:
    with torch.device("meta"):
        network = CrossFusion(2, 45, fusion=fusion, feature_sizes=(n, 2 * n, 4 * n, 8 * n), hidden_size=16 * n)
    assert parameters(network) == pytest.approx(PARAMETERS["gated"][0], rel=0.02)


def test_multiply_adds_equal_those_measured_on_the_reference() -> None:
    with torch.device("meta"):
        network = CrossFusion(2, 45)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 2, 96, 96, 96))
    assert round(counter.get_total_flops() / 2e9) == 1440


def test_one_set_of_weights_serves_both_modalities() -> None:
    network = CrossFusion(2, 5, **WIDTHS)
    seen: list[torch.Size] = []
    for level in network.pyramid.fusions:
        level.attend.query.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    network.pyramid.pyramid.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    network(torch.rand(1, 2, 32, 32, 32))
    assert [shape[0] for shape in seen] == [2] * 5  # each shared part runs once, on both modalities
    reference_with_an_unused_attention, unused = 6_847_549, 10_416
    assert parameters(network) == reference_with_an_unused_attention - unused


@torch.no_grad()
def test_input_fusion_is_3d_uxnet() -> None:
    early, uxnet = CrossFusion(2, 5, fusion="input", **WIDTHS), UXNet3D(2, 5, **WIDTHS)
    uxnet.load_state_dict(early.state_dict())
    image = torch.rand(1, 2, 32, 32, 32)
    assert torch.equal(early(image), uxnet(image))


@pytest.mark.parametrize("encoder", ["uxnet", "unet"])
@pytest.mark.parametrize("fusion", NAMES)
def test_gradient_reaches_every_parameter_of_every_variant(fusion: str, encoder: str) -> None:
    network = CrossFusion(2, 5, fusion=fusion, encoder=encoder, **TINY)
    network(torch.rand(1, 2, 32, 32, 32)).square().mean().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


@torch.no_grad()
@pytest.mark.parametrize("encoder", ["uxnet", "unet"])
@pytest.mark.parametrize("fusion", NAMES)
def test_every_variant_is_deterministic_and_finite_in_half_precision(fusion: str, encoder: str) -> None:
    network = CrossFusion(2, 5, fusion=fusion, encoder=encoder, **TINY).eval()
    image = torch.rand(1, 2, 32, 32, 48)
    assert torch.equal(network(image), network(image))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits: Tensor = network(image)
    assert logits.shape == (1, 5, 32, 32, 48)
    assert logits.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("encoder", ["uxnet", "unet"])
def test_samples_of_a_batch_do_not_mix(encoder: str) -> None:
    network = CrossFusion(2, 5, encoder=encoder, **TINY).double().eval()
    images = fixed_input(2, (32, 32, 32), batch=2)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone, rtol=1e-9, atol=1e-9)


def test_training_step_runs_where_only_deterministic_algorithms_are_allowed() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        network = CrossFusion(2, 5, fusion="dot_product", **TINY)
        network(torch.rand(1, 2, 32, 32, 32)).sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("modalities", [1, 3])
def test_other_than_two_modalities_are_refused(modalities: int) -> None:
    with pytest.raises(ValueError, match=f"exactly two modalities; got {modalities}"):
        CrossFusion(modalities, 5)


@pytest.mark.parametrize(("setting", "choices"), [("fusion", "gated, dot_product"), ("encoder", "uxnet, unet")])
def test_unknown_names_list_the_choices(setting: str, choices: str) -> None:
    with pytest.raises(ValueError, match=f"no {setting} 'gatd'. Choose one of: {choices}"):
        CrossFusion(2, 5, **{setting: "gatd"})
