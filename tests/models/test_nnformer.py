import pytest
import torch
from builders.fingerprint import assert_matches, fill, fixed_input
from torch import nn

from models.nnformer import NNFormer
from models.parts.nnformer_blocks import Windows, relative_position_index

TUMOR = {"token_size": (4, 4, 4), "num_heads": (3, 6, 12, 24), "decoder_num_heads": (6, 12, 24)}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def supervision_heads(dim: int, classes: int, token: tuple[int, int, int]) -> int:
    """Parameters of the reference's heads on the two lower decoder levels, which this suite leaves out."""
    return sum(parameters(nn.ConvTranspose3d(dim * scale, classes, token, token)) for scale in (2, 4))


@torch.no_grad()
def test_small_tumor_form_computes_what_the_reference_computes() -> None:
    network = fill(NNFormer(2, 5, patch_size=(64, 64, 64), embed_dim=12, **TUMOR))
    assert_matches(network(fixed_input(2, (64, 64, 64))), "nnformer_tumor_e12_64")


@pytest.mark.slow
@torch.no_grad()
def test_tumor_form_computes_what_the_reference_computes() -> None:
    network = fill(NNFormer(2, 45, embed_dim=96, **TUMOR))
    assert_matches(network(fixed_input(2, (96, 96, 96))), "nnformer_tumor_e96_96")


@pytest.mark.slow
@torch.no_grad()
def test_synapse_form_computes_what_the_reference_computes() -> None:
    assert_matches(fill(NNFormer(2, 45))(fixed_input(2, (96, 96, 96))), "nnformer_synapse_e192_96")


@pytest.mark.parametrize(
    ("settings", "classes", "count", "with_heads"),
    [
        ({"patch_size": (64, 64, 64), "embed_dim": 12, **TUMOR}, 5, 638_483, 661_533),
        ({"embed_dim": 96, **TUMOR}, 45, 37_698_447, 39_357_417),
        ({"embed_dim": 192, "token_size": (2, 4, 4)}, 45, 149_514_021, 151_172_991),
    ],
)
def test_parameters_and_the_supervision_heads_left_out_are_those_of_the_reference(
    settings: dict, classes: int, count: int, with_heads: int
) -> None:
    with torch.device("meta"):
        network = NNFormer(2, classes, **settings)
        heads = supervision_heads(settings["embed_dim"], classes, settings["token_size"])
    assert (parameters(network), parameters(network) + heads) == (count, with_heads)


def test_windows_of_four_read_115_rows_of_the_bias_table() -> None:
    index = relative_position_index(4)
    assert index.shape == (64, 64)
    assert (int(index.min()), int(index.max()), len(index.unique())) == (0, 114, 115)


@pytest.mark.parametrize("shifted", [False, True])
def test_joining_undoes_splitting_also_where_the_grid_does_not_fill_its_windows(shifted: bool) -> None:
    windows = Windows.fit((6, 5, 7), 4, shifted=shifted)
    x = torch.randn(2, 6, 5, 7, 3)
    assert windows.split(x).shape == (2, 8, 64, 3)
    torch.testing.assert_close(windows.join(windows.split(x)), x, rtol=0, atol=0)


def test_mask_lets_tokens_attend_only_to_their_own_side_of_the_seam() -> None:
    mask = Windows.fit((8, 8, 8), 4, shifted=True).mask()
    assert mask.shape == (8, 1, 64, 64)
    assert (mask[0] == 0).all()  # the first window has no seam
    assert (mask[-1, 0] == 0).sum(dim=-1).unique().tolist() == [8]  # the last one falls into eight octants


def test_windows_shrink_and_stay_in_place_where_the_grid_has_no_room_for_two() -> None:
    assert Windows.fit((12, 6, 6), 8, shifted=True) == Windows((12, 6, 6), 6, 0)


def test_another_input_size_is_refused_with_both_sizes_named() -> None:
    network = NNFormer(1, 2, patch_size=(32, 32, 32), embed_dim=48)
    with pytest.raises(ValueError, match=r"built for patches of \(32, 32, 32\) voxels and got \(64, 32, 32\)"):
        network(torch.zeros(1, 1, 64, 32, 32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch_size": (80, 96, 96)}, "multiples of 32"),
        ({"token_size": (3, 4, 4)}, "token_size"),
        ({"num_heads": (5, 12, 24, 48)}, "num_heads"),
        ({"decoder_num_heads": (6, 12)}, "decoder_num_heads"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NNFormer(2, 45, **settings)
