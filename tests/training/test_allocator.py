from pathlib import Path

import torch

from benchmark.bench.measuring import in_fresh_process
from benchmark.training.allocator import keep_freed_memory

MIB = 2**20


def held(keep: bool) -> float:
    """MiB that this process holds on to of a tensor of 24 MiB once that is gone."""
    if keep:
        keep_freed_memory()
    before = resident()
    tensor = torch.ones(24 * MIB // 4)
    del tensor
    return (resident() - before) / MIB


def resident() -> int:
    (kib,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line)
    return int(kib) * 1024


def test_memory_that_was_freed_is_kept_for_the_next_step():
    kept, handed_back = (in_fresh_process(held, keep) for keep in (True, False))
    assert kept > 20 and handed_back < 4
