"""One contract for every network and every number of modalities that it takes."""

from dataclasses import dataclass

import pytest
import torch
from builders.small_networks import SMALL, SMALL_PATCH
from torch import Tensor, nn

from benchmark.training.losses import dice_ce_loss
from models import NETWORKS

CLASSES = 5
BATCH = 2
MODALITIES = {name: (2,) if name == "cross_fusion" else (1, 2, 4) for name in NETWORKS}
CASES = [
    pytest.param((name, count), marks=[pytest.mark.slow] * (count > 2))
    for name, counts in MODALITIES.items()
    for count in counts
]


@dataclass(frozen=True)
class Trial:
    """A small network after one backward pass, in evaluation mode, with its logits before and in that."""

    name: str
    network: nn.Module
    image: Tensor
    training_logits: Tensor
    loss: Tensor
    logits: Tensor


def build(name: str, modalities: int, **settings: object) -> nn.Module:
    return NETWORKS[name](modalities, CLASSES, **{"patch_size": SMALL_PATCH, **SMALL[name], **settings})


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def trial(request: pytest.FixtureRequest) -> Trial:
    name, modalities = request.param
    torch.manual_seed(0)
    network = build(name, modalities).train()
    image = torch.rand(BATCH, modalities, *SMALL_PATCH)
    logits = network(image)
    loss = dice_ce_loss(logits, torch.randint(CLASSES, (BATCH, *SMALL_PATCH)))
    loss.backward()
    with torch.no_grad():
        return Trial(name, network.eval(), image, logits, loss, network(image))


def test_every_network_has_a_small_form() -> None:
    assert set(SMALL) == set(NETWORKS)


def test_logits_cover_the_image_with_one_channel_a_class(trial: Trial) -> None:
    assert isinstance(trial.training_logits, Tensor)
    assert trial.training_logits.shape == (BATCH, CLASSES, *SMALL_PATCH)


def test_loss_is_finite(trial: Trial) -> None:
    assert torch.isfinite(trial.loss)


def test_gradient_reaches_every_parameter(trial: Trial) -> None:
    out_of_reach = [name for name, parameter in trial.network.named_parameters() if parameter.grad is None]
    assert out_of_reach == []
    assert all(torch.isfinite(parameter.grad).all() for parameter in trial.network.parameters())


@torch.no_grad()
def test_state_dict_carries_the_whole_network(trial: Trial) -> None:
    other = build(trial.name, trial.image.shape[1])
    other.load_state_dict(trial.network.state_dict())
    torch.testing.assert_close(other.eval()(trial.image), trial.logits, rtol=0, atol=0)


@torch.no_grad()
def test_evaluation_is_deterministic_and_treats_each_image_alone(trial: Trial) -> None:
    torch.testing.assert_close(trial.network(trial.image), trial.logits, rtol=0, atol=0)
    torch.testing.assert_close(trial.network(trial.image[1:]), trial.logits[1:], rtol=1e-3, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("name", NETWORKS)
def test_half_precision_is_finite(name: str) -> None:
    network = build(name, 2).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(torch.rand(1, 2, *SMALL_PATCH))
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_patch_that_cannot_be_halved_is_refused_by_name_with_the_nearest_valid(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{NETWORKS[name].__name__} takes patches .* got \(33, 32, 32\)\. Nearest"):
        build(name, 2, patch_size=(33, 32, 32))


@pytest.mark.parametrize("name", NETWORKS)
def test_three_modalities_are_taken_or_refused_with_what_is_valid(name: str) -> None:
    if name in ("cross_fusion", "vnet"):
        with pytest.raises(ValueError, match="modalities"):
            build(name, 3)
    else:
        assert build(name, 3)(torch.rand(BATCH, 3, *SMALL_PATCH)).shape == (BATCH, CLASSES, *SMALL_PATCH)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_takes_the_sizes_it_declares(name: str) -> None:
    side = 2 * NETWORKS[name].divisor
    patch = (side, side, 2 * side)
    network = NETWORKS[name](2, CLASSES, **{**SMALL[name], "patch_size": patch}).to("meta")
    assert network(torch.empty(1, 2, *patch, device="meta")).shape == (1, CLASSES, *patch)
