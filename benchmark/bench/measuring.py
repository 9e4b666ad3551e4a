"""What a piece of work costs, measured alone: in a fresh process on one thread, in CPU-seconds and added memory."""

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")
Input = TypeVar("Input")
Output = TypeVar("Output")

Begin = Callable[[str], None]
"""Told what is measured next."""

_STATUS = Path("/proc/self/status")
_FORGET_PEAK = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Cost:
    """CPU-seconds of one piece of work, and the MiB by which it raised the peak memory of its process."""

    cpu_seconds: float
    added_mib: float


def silently(case: str) -> None:
    """Tell nobody what is measured next."""


def comparison(ours: Cost, peer: Cost, max_difference: float) -> dict[str, Any]:
    """What `petmr bench` shows and writes; a ratio is how many times less ours costs, None where ours costs nothing."""
    costs, peers = asdict(ours), asdict(peer)
    ratio = {name: peers[name] / cost if cost > 0 else None for name, cost in costs.items()}
    return {"ours": costs, "peer": peers, "ratio": ratio, "max_difference": max_difference}


def in_fresh_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a module-level function where nothing else has used memory.

    One thread: there every library needs the fewest CPU-seconds, as waiting threads spin.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)) as process:
        return process.submit(function, *args, **kwargs).result()


def measure(prepare: Callable[[], Input], task: Callable[[Input], Output], *, repeats: int = 1) -> tuple[Cost, Output]:
    """Run `task(prepare())` in a fresh process and charge it for the task alone.

    Both functions travel to the process, so they must be picklable: module-level functions or `functools.partial`.
    Imports belong into `prepare`. Seconds are the median over the repeats.
    """
    return in_fresh_process(_measure, prepare, task, repeats)


def _measure(prepare: Callable[[], Input], task: Callable[[Input], Output], repeats: int) -> tuple[Cost, Output]:
    prepared = prepare()
    before = fresh_peak_mib()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        output = task(prepared)
        seconds.append(time.process_time() - start)
    return Cost(median(seconds), peak_mib() - before), output


def fresh_peak_mib() -> float:
    """Lower the recorded peak to what is resident now, where the system lets us, and return it."""
    with suppress(OSError):
        _FORGET_PEAK.write_text("5")
    return peak_mib()


def peak_mib() -> float:
    """The most memory that this process has held, in MiB; pages of mapped files count."""
    if _STATUS.exists():  # getrusage would count the parent's peak too: Linux hands it down through fork and exec
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
