from functools import partial
from itertools import product

import pytest
import torch
from builders.small_networks import SMALL, SMALL_PATCH

from benchmark.bench import step
from benchmark.bench.profile import Sizes
from benchmark.bench.traffic import traffic_bytes
from models import NETWORKS


def test_bytes_are_those_of_what_is_read_and_written():
    linear = torch.nn.Linear(3, 5, bias=False)
    moved = traffic_bytes(linear, lambda network: network(torch.zeros(2, 3)))
    assert moved == 4 * (2 * 3 + 2 * 3 + 5 * 3 + 2 * 5)  # zeros are written, then read


@pytest.mark.parametrize("name", SMALL)
def test_a_step_and_a_window_of_every_network_are_counted(name):
    sizes = Sizes(SMALL_PATCH, out_channels=5)
    network = step._construct(partial(NETWORKS[name], **SMALL[name]), sizes)
    weights = sum(each.numel() * each.element_size() for each in network.parameters())
    moved = {
        key: traffic_bytes(network, partial(step._run, sizes, *key)) for key in product(step.WORKS, step.PRECISIONS)
    }
    assert all(most > weights for most in moved.values())
    assert all(moved["step", precision] > 2 * moved["window", precision] for precision in step.PRECISIONS)
