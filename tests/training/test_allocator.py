import resource

import torch

from benchmark.bench.measuring import in_fresh_process
from benchmark.training.allocator import keep_freed_memory

MIB = 2**18
"""Numbers of four bytes."""


def faults(keep: bool) -> int:
    """Page faults of taking and freeing 24 MiB fifty times."""
    if keep:
        keep_freed_memory()
    torch.ones(24 * MIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        torch.ones(24 * MIB)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_memory_that_was_freed_is_taken_again_without_page_faults():
    kept, handed_back = (in_fresh_process(faults, keep) for keep in (True, False))
    assert kept < 0.5 * handed_back
