"""What networks are measured beside can be built, and takes their weights."""

import pytest
import torch
from builders.small_networks import SMALL_PATCH

from benchmark.bench.peers import PEERS, copy_weights
from models import NETWORKS

PLAIN = ("cross_fusion", "uxnet3d")


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_our_parameters(name: str) -> None:
    sides = [build(2, 45, patch_size=(64, 64, 64)) for build in (NETWORKS[name], PEERS[name])]
    ours, peers = (
        {key: value.shape for key, value in getattr(side, "network", side).state_dict().items()} for side in sides
    )
    assert ours
    assert {key: peers.get(key) for key in ours} == ours


@torch.no_grad()
@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_composition_computes_what_ours_does(name: str) -> None:
    narrow = {"patch_size": SMALL_PATCH, "feature_sizes": (6, 12, 24, 48), "hidden_size": 96}
    ours, plain = (build(2, 5, **narrow).double().eval() for build in (NETWORKS[name], PEERS[name]))
    copy_weights(ours, plain)
    image = torch.rand(1, 2, *SMALL_PATCH, dtype=torch.float64)
    torch.testing.assert_close(ours(image), plain(image), rtol=0, atol=1e-9)
