from functools import partial

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


@pytest.mark.parametrize("precision", ["bf16", pytest.param("fp32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SMALL)
def test_a_step_and_a_window_of_every_network_are_counted(name, precision):
    sizes = Sizes(SMALL_PATCH, out_channels=5)
    network = step._construct(partial(NETWORKS[name], **SMALL[name]), sizes)
    weights = sum(each.numel() * each.element_size() for each in network.parameters())
    moved = {work: traffic_bytes(network, partial(step._run, sizes, work, precision)) for work in step.WORKS}
    assert moved["step"] > 2 * moved["window"] > 2 * weights
