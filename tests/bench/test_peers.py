"""What networks are measured beside can be built, and takes their weights."""

import pytest

from benchmark.bench.peers import PEERS
from models import NETWORKS


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_our_parameters(name: str) -> None:
    sides = [build(2, 45, patch_size=(64, 64, 64)) for build in (NETWORKS[name], PEERS[name])]
    ours, peers = (
        {key: value.shape for key, value in getattr(side, "network", side).state_dict().items()} for side in sides
    )
    assert ours
    assert {key: peers.get(key) for key in ours} == ours
