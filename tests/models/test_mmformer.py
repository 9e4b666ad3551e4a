import pytest
import torch
from torch import Tensor

from models.mmformer import MMFormer

SMALL = {"patch_size": (32, 32, 32), "width": 8, "embed_dim": 32, "mlp_dim": 64, "num_heads": 4}


def influence(network: MMFormer, modality: int) -> list[float]:
    """How much the skips of each modality change with one modality."""
    image = torch.rand(1, 3, 32, 32, 32)
    changed = image.clone()
    changed[:, modality] += 1

    def features(x: Tensor) -> list[Tensor]:
        return [encoder(one)[0] for encoder, one in zip(network.encoders, x.split(1, dim=1), strict=True)]

    return [float((a - b).abs().max()) for a, b in zip(features(image), features(changed), strict=True)]


@torch.no_grad()
def test_each_modality_has_an_encoder_of_its_own() -> None:
    network = MMFormer(3, 5, **SMALL)
    assert [change > 0 for change in influence(network, 1)] == [False, True, False]
    assert len(network.intra) == 3


@torch.no_grad()
def test_modalities_meet_in_the_inter_modal_transformer() -> None:
    network = MMFormer(2, 5, **SMALL).eval()
    deepest = [torch.rand(1, 128, 2, 2, 2), torch.rand(1, 128, 2, 2, 2)]
    first = network._attend(deepest)[:, :32]
    other = network._attend([deepest[0], torch.rand(1, 128, 2, 2, 2)])[:, :32]
    assert not torch.allclose(first, other)  # tokens of the first modality, though only the second has changed


@torch.no_grad()
def test_tokens_come_back_to_the_voxels_that_they_are_of() -> None:
    network = MMFormer(1, 5, **{**SMALL, "patch_size": (32, 32, 64)}).eval()
    network.intra = torch.nn.ModuleList([torch.nn.Identity()])
    network.inter = torch.nn.Identity()  # type: ignore[assignment]
    deepest = torch.rand(1, 128, 2, 2, 4)
    expected = network.embeds[0](deepest.movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(network._attend([deepest]), expected)


def test_parameters_are_those_documented() -> None:
    with torch.device("meta"):
        network = MMFormer(2, 45)
    assert sum(parameter.numel() for parameter in network.parameters()) == 30_665_949


@pytest.mark.parametrize(("setting", "value"), [("width", 12), ("num_heads", 5)])
def test_numbers_that_do_not_divide_are_refused(setting: str, value: int) -> None:
    with pytest.raises(ValueError, match="MMFormer takes a width that is a multiple of 8"):
        MMFormer(2, 5, **{**SMALL, setting: value})


def test_another_size_than_it_was_built_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"MMFormer was built for patches of \(32, 32, 32\)"):
        MMFormer(2, 5, **SMALL)(torch.rand(1, 2, 48, 32, 32))
