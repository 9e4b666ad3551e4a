import time
from functools import partial

import numpy as np

from benchmark.bench.measuring import measure


def prepare(mib: int) -> int:
    np.ones(mib << 17)  # eight bytes each
    return mib


def work(mib: int) -> int:
    held = np.ones(mib << 17)
    start = time.process_time()
    while time.process_time() - start < 0.2:
        pass
    return len(held)


def test_a_task_is_charged_for_its_own_seconds_and_memory_and_not_for_its_preparation():
    cost, result = measure(partial(prepare, 64), work)
    assert result == 64 << 17
    assert 0.2 <= cost.cpu_seconds < 0.6
    assert 60 < cost.added_mib < 70


def test_repeats_are_charged_once_each():
    cost, _ = measure(partial(prepare, 1), work, repeats=3)
    assert 0.2 <= cost.cpu_seconds < 0.5
