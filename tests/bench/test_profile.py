from functools import partial

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.bench.profile import Sizes, as_text, count, measure, profile
from benchmark.text_tables import markdown
from models import NETWORKS
from models.nnformer import NNFormer

PATCH_96 = Sizes((96, 96, 96))
# Parameters and GMAC measured on the reference implementations, two modalities, 45 classes, 96^3. UNETR's 18,432,
# nested_unet's 4,455 and nnFormer's 1,658,970 parameters that get no gradient are left out here, and so are the
# multiply-adds of the heads among them.
REFERENCE = {
    "cross_fusion": (243_377_373, 1440),
    "uxnet3d": (53_025_837, 582),
    "nnformer": (151_172_991 - 1_658_970, 186 - 2.4),
    "unetr": (95_949_181 - 18_432, 75),
    "swin_unetr": (62_190_543, 321),
    "vnet": (45_774_048, 464),
    "unet3d": (19_077_389, 828),
    "nested_unet": (26_388_596 - 4_455, 821 - 3.8),
    "res_unet": (9_436_941, 378),
}


class Convolution(nn.Module):
    """A network whose cost is known by heart."""

    def __init__(self, in_channels: int, out_channels: int, *, patch_size: tuple[int, int, int]) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(x)


class Attention(nn.Module):
    """One head over all voxels, without any parameter."""

    def __init__(self, in_channels: int, out_channels: int, *, patch_size: tuple[int, int, int]) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)[:, None]
        return F.scaled_dot_product_attention(tokens, tokens, tokens)


@pytest.fixture(scope="module")
def full_table() -> pd.DataFrame:
    return profile({name: NETWORKS[name] for name in REFERENCE}, PATCH_96).set_index("network")


def test_a_convolution_costs_its_kernel_at_every_voxel() -> None:
    counts = count(Convolution, Sizes((8, 8, 8), in_channels=2, out_channels=5))
    assert counts.parameters == 2 * 5 * 27 + 5
    assert counts.gmac == pytest.approx(512 * 2 * 5 * 27 / 1e9)


def test_nothing_is_drawn_to_count() -> None:
    before = torch.get_rng_state()
    count(Convolution, Sizes((8, 8, 8)))
    assert torch.equal(torch.get_rng_state(), before)


def test_attention_is_counted_also_where_it_is_one_fused_operation() -> None:
    counts = count(Attention, Sizes((4, 4, 4), in_channels=16))
    assert counts.parameters == 0
    assert counts.gmac == pytest.approx(2 * 64 * 64 * 16 / 1e9)


@pytest.mark.parametrize("name", REFERENCE)
def test_counts_are_those_of_the_reference_implementation(name: str, full_table: pd.DataFrame) -> None:
    parameters, gmac = REFERENCE[name]
    assert full_table.parameters[name] == parameters
    assert full_table.gmac[name] == pytest.approx(gmac, abs=1)


def test_the_tumor_form_of_nnformer_costs_what_its_reference_does() -> None:
    tumor = partial(NNFormer, embed_dim=96, token_size=(4, 4, 4), num_heads=(3, 6, 12, 24))
    counts = count(tumor, PATCH_96)
    assert counts.parameters == 39_357_417 - 1_658_970
    assert counts.gmac == pytest.approx(31 - 1.2, abs=1)


def test_without_a_device_nothing_is_run() -> None:
    table = profile({"mine": Convolution}, Sizes((8, 8, 8)))
    assert list(table.columns) == ["network", "parameters", "gmac"]


def test_a_run_is_timed_and_its_memory_holds_the_logits_and_their_gradient() -> None:
    sizes = Sizes((64, 64, 64), in_channels=1, out_channels=32)
    table = profile({"mine": Convolution}, sizes, device="cpu", repeats=1)
    logits_gib = 4 * 32 * 64**3 / 2**30
    assert 0 < table.forward_seconds[0] < table.step_seconds[0]
    assert 2 * logits_gib < table.step_gib[0] < 50 * logits_gib


def test_a_patch_that_a_network_does_not_take_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="SwinUNETR takes patches"):
        profile({"swin_unetr": NETWORKS["swin_unetr"]}, Sizes((80, 80, 80)))


def test_text_is_rounded_and_says_units() -> None:
    table = pd.DataFrame({"network": ["a"], "parameters": [1234567], "gmac": [12.6], "step_gib": [float("nan")]})
    text = as_text(table)
    assert text.iloc[0].to_dict() == {
        "network": "a",
        "parameters": "1,234,567",
        "GMAC": "13",
        "training memory, GiB": "-",
    }
    assert markdown(text).splitlines() == [
        "| network | parameters | GMAC | training memory, GiB |",
        "| :-- | --: | --: | --: |",
        "| a | 1,234,567 | 13 | - |",
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_reports_what_was_allocated() -> None:
    measured = measure(Convolution, Sizes((64, 64, 64), in_channels=1, out_channels=16), "cuda", repeats=1)
    assert measured.step_gib > 4 * 16 * 64**3 / 2**30
