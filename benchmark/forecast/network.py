"""What is foreseen of one network: the seconds of a run, the memory of a step, and what to do where that is short."""

import time
from dataclasses import dataclass
from math import nan
from pathlib import Path

import torch

from benchmark.forecast.memory import StepMemory
from benchmark.forecast.pace import build_alone, seconds_of
from benchmark.forecast.remedies import memory_of, remedy
from benchmark.runs.settings import Run
from benchmark.training.cli import BenchmarkCLI
from datamodules.cohort.splits import Splits
from datamodules.cohort.store import open_cohort

GIB = 2**30

LEFT = 1 * GIB
"""Of a GPU's memory, for its driver and the workspace of cuDNN."""


@dataclass(frozen=True)
class Forecast:
    """What is foreseen of the runs of a variant.

    Attributes:
        seconds: Of one; NaN where it wasn't timed.
        memory: Of a step; None for a network that looks at values, which can't be had without running it.
        fits: Whether that is in the GPU's memory; None where it isn't known how much there is.
        remedy: What makes it fit, where it doesn't.
    """

    seconds: float
    memory: StepMemory | None
    fits: bool | None = None
    remedy: str = ""


def foresee(run: Run, cohort: Path, splits: Splits, timed: bool, gpu_memory: float | None) -> Forecast:
    """Build a run's network, and find out what it takes.

    Args:
        run: Any of the variant.
        cohort: Prepared cohort.
        splits: Its folds.
        timed: Whether to time it, too.
        gpu_memory: GiB of the GPU that is meant; that of this process where not given.

    Raises:
        ValueError: If the network or its configuration can't be built, or its training step fails.
    """
    opened = open_cohort(cohort)
    started = time.perf_counter()
    try:
        cli = build_alone(run, opened)
        built = time.perf_counter() - started
        memory = _memory(cli)
        seconds = built + seconds_of(run, opened, splits, cli) if timed else nan
    except Exception as error:  # anything that a network or a configuration may do
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    room = _room(gpu_memory)
    if memory is None or room is None:
        return Forecast(seconds, memory)
    fits = memory.needed <= room
    return Forecast(seconds, memory, fits, "" if fits else remedy(run, opened, cli, room))


def _memory(cli: BenchmarkCLI) -> StepMemory | None:
    try:
        return memory_of(cli)
    except RuntimeError:  # it looks at values, as one of the user's own may
        return None


def _room(gpu_memory: float | None) -> float | None:
    """Bytes that a step may take on the GPU that is meant."""
    if gpu_memory is not None:
        return gpu_memory * GIB - LEFT
    return torch.cuda.get_device_properties(0).total_memory - LEFT if torch.cuda.is_available() else None
