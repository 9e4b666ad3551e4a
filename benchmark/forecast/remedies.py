"""Which setting makes a training step fit into memory."""

import inspect
from collections.abc import Iterator

from benchmark.forecast.memory import StepMemory, step_memory
from benchmark.forecast.pace import build_alone, sizes_of
from benchmark.runs.settings import Config, Run, merge
from benchmark.training.cli import BenchmarkCLI
from datamodules.cohort.store import Cohort

CHECKPOINTING = "checkpointing"
"""Setting of networks that can recompute activations instead of keeping them."""

GRAIN = 32
"""Every network takes patches whose sides are multiples of it."""


def memory_of(cli: BenchmarkCLI) -> StepMemory:
    """What a step of a run's own settings holds, where it will be done: this machine may have another precision.

    Raises:
        RuntimeError: If the network looks at values.
    """
    return step_memory(cli.model.network, sizes_of(cli), cli.datamodule.batch_size, cli.asked_precision)


def remedy(run: Run, cohort: Cohort, cli: BenchmarkCLI, room: float) -> str:
    """What to change in a run whose step takes more bytes than there is room for: the end of a sentence."""
    for words, change in _together(_changes(cli)):
        changed = Run(run.experiment, run.variant, run.network, run.fold, run.seed, merge(run.config, change))
        try:
            needed = memory_of(build_alone(changed, cohort)).needed
        except (ValueError, RuntimeError):  # a network may refuse smaller patches, or precision
            continue
        if needed <= room:
            return f"with {words} it takes {needed / 2**30:.1f} GiB"
    return "nothing that could be set makes it fit: choose a smaller network"


def _changes(cli: BenchmarkCLI) -> Iterator[tuple[str, Config]]:
    """What may be changed, from what costs least on."""
    if not cli.asked_precision.startswith("bf16"):
        yield "trainer.precision: bf16-mixed", {"trainer": {"precision": "bf16-mixed"}}
    if CHECKPOINTING in inspect.signature(type(cli.model.network)).parameters:
        yield f"settings: {{{CHECKPOINTING}: true}}", {"model": {"network": {"init_args": {CHECKPOINTING: True}}}}
    if cli.datamodule.batch_size > 1:
        times = cli.datamodule.batch_size * cli.trainer.accumulate_grad_batches
        words = f"data.batch_size: 1 and trainer.accumulate_grad_batches: {times}"
        yield words, {"data": {"batch_size": 1}, "trainer": {"accumulate_grad_batches": times}}
    shorter = [max(side * 2 // 3 // GRAIN, 1) * GRAIN for side in cli.datamodule.patch_size]
    yield f"data.patch_size: {shorter}", {"data": {"patch_size": shorter}}


def _together(changes: Iterator[tuple[str, Config]]) -> Iterator[tuple[str, Config]]:
    """Each change alone, then more and more of them together."""
    known = list(changes)
    yield from known
    for count in range(2, len(known) + 1):
        words, configs = zip(*known[:count], strict=True)
        yield ", ".join(words), merge(*configs)
