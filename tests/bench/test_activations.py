from typing import Any

import pytest
import torch
import torch.nn.functional as F
from builders.small_networks import SMALL, SMALL_PATCH
from torch import Tensor, nn

from benchmark.bench.activations import saved_bytes
from benchmark.bench.plain_networks import PlainCrossFusion, PlainUXNet3D
from models import NETWORKS

WIDTHS: dict[str, Any] = {"patch_size": SMALL_PATCH, "feature_sizes": (8, 16, 32, 64), "hidden_size": 128}
PLAIN = {"cross_fusion": PlainCrossFusion, "uxnet3d": PlainUXNet3D}


def kept_by(network: nn.Module) -> int:
    image = torch.rand(1, 2, *SMALL_PATCH)
    return saved_bytes(network.train(), lambda: network(image))


def test_a_storage_counts_once_and_parameters_do_not() -> None:
    layer, x = nn.Linear(10, 10), torch.rand(5, 10)

    def twice() -> Tensor:
        hidden = layer(x)
        return F.relu(hidden) + hidden * hidden[:, :1]

    assert saved_bytes(layer, twice) == 4 * (5 * 10 + 5 * 10 + 5 * 10)  # x, the hidden layer, its ReLU


@pytest.mark.parametrize("name", PLAIN)
def test_ours_keep_at_most_0_6_of_what_the_plain_composition_keeps_and_0_35_with_checkpointing(name: str) -> None:
    plain = kept_by(PLAIN[name](2, 5, **WIDTHS))
    assert kept_by(NETWORKS[name](2, 5, **WIDTHS)) <= 0.6 * plain
    assert kept_by(NETWORKS[name](2, 5, **WIDTHS, checkpointing=True)) <= 0.35 * plain


@pytest.mark.parametrize("name", ["cross_fusion", "uxnet3d", "swin_unetr", "unetr"])
def test_checkpointing_keeps_less_than_half(name: str) -> None:
    def build(**more: Any) -> nn.Module:
        return NETWORKS[name](2, 5, **{**SMALL[name], "patch_size": SMALL_PATCH, **more})

    assert kept_by(build(checkpointing=True)) < 0.5 * kept_by(build())
