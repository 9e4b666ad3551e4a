"""A function called by two ranks at once, in processes that are forked from one which has imported all they need."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import torch.distributed as dist

from benchmark.launching.forking import begin_importing

Result = TypeVar("Result")


def of_two_ranks(function: Callable[[int], Result], folder: Path) -> list[Result]:
    """What a module-level function of the rank returns in a process group of two, which meets in a folder."""
    begin_importing()
    with ProcessPoolExecutor(2, get_context("forkserver")) as pool:
        ranks = [pool.submit(_as_rank, function, rank, folder / "meeting") for rank in range(2)]
        return [rank.result() for rank in ranks]


def _as_rank(function: Callable[[int], Result], rank: int, meeting: Path) -> Result:
    dist.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=2)
    return function(rank)
