"""How long a run takes: a training step and a window of its network are timed here, and counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from benchmark.bench.profile import Sizes, count_network, median_seconds
from benchmark.labelling.whole_subjects import Inference
from benchmark.runs.settings import Run, merge
from benchmark.training.cli import BenchmarkCLI, build
from benchmark.training.losses import dice_ce_loss
from benchmark.training.quiet import quiet
from datamodules.cohort.splits import Splits
from datamodules.cohort.store import Cohort

SMALL = (32, 64)
"""Sides of the patches that a processor is timed with, where the run's own would take minutes and all memory."""

ALONE = {"devices": 1, "num_nodes": 1, "logger": False, "enable_checkpointing": False, "callbacks": []}
"""Settings of a trainer that trains nothing and leaves no file."""

REPEATS = 2


@dataclass(frozen=True)
class Seconds:
    """What a network takes for one patch, as part of a batch: in training, and in a forward pass without gradients.

    Attributes:
        patch: Forward and backward pass.
        window: Forward pass.
        update: Of all weights, once a step.
    """

    patch: float
    window: float
    update: float = 0.0


@dataclass(frozen=True)
class Work:
    """What a run does, in numbers: patches that it trains on, steps, validations, and windows that it labels."""

    patches: int
    steps: int
    windows: int


def seconds_of(run: Run, cohort: Cohort, splits: Splits, cli: BenchmarkCLI) -> float:
    """Seconds that one process takes for a run on this machine, once it is built."""
    seconds, work = _seconds(run, cohort, cli), _work(cli, splits)
    return work.patches * seconds.patch + work.steps * seconds.update + work.windows * seconds.window


def build_alone(run: Run, cohort: Cohort, patch: tuple[int, ...] | None = None) -> BenchmarkCLI:
    """Trainer, task and data of a run, in this process alone and with patches of another size where one is given."""
    place: dict[str, Any] = {"data": {"cohort": str(cohort.path)}, "trainer": ALONE}
    smaller = {"data": {"patch_size": list(patch)}} if patch else {}
    with quiet():
        return build(merge(run.config, place, smaller), run=False)


def _seconds(run: Run, cohort: Cohort, cli: BenchmarkCLI) -> Seconds:
    whole = cli.datamodule.patch_size
    if cli.trainer.strategy.root_device.type == "cuda" or max(whole) <= SMALL[0]:
        return _time(cli)
    for side in SMALL:
        part = tuple(min(side, length) for length in whole)
        try:
            smaller = build_alone(run, cohort, part)
            share = _gmac(cli) / _gmac(smaller)
            seconds = _time(smaller)
        except Exception:  # too small for its deepest level, which each network says in its own way
            continue
        return Seconds(seconds.patch * share, seconds.window * share, seconds.update)
    return _time(cli)


def _gmac(cli: BenchmarkCLI) -> float:
    return count_network(cli.model.network, sizes_of(cli)).gmac


def sizes_of(cli: BenchmarkCLI) -> Sizes:
    """What goes into the network in training, and what comes out."""
    data = cli.datamodule
    return Sizes(data.patch_size, data.in_channels, data.out_channels)


def _time(cli: BenchmarkCLI) -> Seconds:
    """Time a training step, its update and a forward pass, as the run would do them: device, precision, batches."""
    device, precision, sizes = cli.trainer.strategy.root_device, cli.trainer.precision_plugin, sizes_of(cli)
    network = precision.convert_module(cli.model.network).to(device)

    def images(batch: int) -> Tensor:
        shape = (batch, sizes.in_channels, *sizes.patch)
        return cast(Tensor, precision.convert_input(torch.rand(shape, device=device)))

    patches, windows = images(cli.datamodule.batch_size), images(cli.model.inference.window.at_once)
    label = torch.randint(sizes.out_channels, (len(patches), *sizes.patch), device=device)

    optimizer = cli.model.optimizer()

    def step() -> None:
        optimizer.zero_grad()
        with precision.forward_context():
            loss = dice_ce_loss(network(patches), label, cli.model.ce_weight)
        loss.backward()

    def forward() -> None:
        with torch.no_grad(), precision.forward_context():
            network(windows)

    timed = (step, optimizer.step, forward)
    step_s, update_s, forward_s = (median_seconds(work, device.type, REPEATS) for work in timed)
    return Seconds(step_s / len(patches), forward_s / len(windows), update_s)


def _work(cli: BenchmarkCLI, splits: Splits) -> Work:
    """What a run has to do: training, validations and test."""
    data = cli.datamodule
    data.splits = splits
    each = data.patches_per_epoch
    bounds = ((cli.trainer.max_epochs or -1, each), (cli.trainer.max_steps, data.batch_size))
    patches = min((count * size for count, size in bounds if count > 0), default=0)  # without any it never ends
    between = max(data.epochs_to_validation, cli.trainer.check_val_every_n_epoch or 1)
    validations = max(math.ceil(patches / each) // between, 1)
    windows = validations * _windows(cli, data.validated) + _windows(cli, data.parts.test)
    return Work(patches, math.ceil(patches / data.batch_size), windows)


def _windows(cli: BenchmarkCLI, subjects: Sequence[str]) -> int:
    """Windows that cover some subjects, and their mirror images where those are labelled too."""
    inference: Inference = cli.model.inference
    window, stored = inference.window, cli.datamodule.cohort.subjects
    shapes = [list(map(max, stored[subject].shape, window.size)) for subject in subjects]
    return sum(math.prod(map(len, window.starts(shape))) for shape in shapes) * (2 if inference.mirror else 1)
