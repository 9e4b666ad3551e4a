"""How long a run that hasn't begun may take: a training step and a window of its network are timed here, and counted.

Reading, scoring and starting up come on top: they matter for small networks on small patches only.
"""

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
from datamodules.cohort.store import Cohort

SMALL = (32, 64)
"""Sides of the patches that a processor is timed with, where the run's own would take minutes and all memory."""

ALONE = {"devices": 1, "num_nodes": 1, "logger": False, "enable_checkpointing": False, "callbacks": []}
"""Settings of a trainer that trains nothing and leaves no file."""

REPEATS = 2


@dataclass(frozen=True)
class Seconds:
    """What a network takes for one patch, as part of a batch: in training, and in a forward pass without gradients."""

    patch: float
    window: float


def estimate(run: Run, cohort: Cohort) -> float:
    """Seconds that one process takes for a run on this machine.

    Raises:
        ValueError: If the run's network or configuration can't be built, or its training step fails.
    """
    try:
        cli = _build(run, cohort)
        seconds = _seconds(run, cohort, cli)
    except Exception as error:  # anything that a network or a configuration may do
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{run.variant}: can't be trained here ({reason}).") from error
    patches, windows = _work(cli)
    return patches * seconds.patch + windows * seconds.window


def _build(run: Run, cohort: Cohort, patch: tuple[int, ...] | None = None) -> BenchmarkCLI:
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
            smaller = _build(run, cohort, part)
            share = _gmac(cli) / _gmac(smaller)
            seconds = _time(smaller)
        except Exception:  # too small for its deepest level, which each network says in its own way
            continue
        return Seconds(seconds.patch * share, seconds.window * share)
    return _time(cli)


def _gmac(cli: BenchmarkCLI) -> float:
    return count_network(cli.model.network, _sizes(cli)).gmac


def _sizes(cli: BenchmarkCLI) -> Sizes:
    data = cli.datamodule
    return Sizes(data.patch_size, data.in_channels, data.out_channels)


def _time(cli: BenchmarkCLI) -> Seconds:
    """Time a training step and a forward pass, on the device and in the precision and batches of the run."""
    device, precision, sizes = cli.trainer.strategy.root_device, cli.trainer.precision_plugin, _sizes(cli)
    network = precision.convert_module(cli.model.network).to(device)

    def images(batch: int) -> Tensor:
        shape = (batch, sizes.in_channels, *sizes.patch)
        return cast(Tensor, precision.convert_input(torch.rand(shape, device=device)))

    patches, windows = images(cli.datamodule.batch_size), images(cli.model.inference.window.at_once)
    label = torch.randint(sizes.out_channels, (len(patches), *sizes.patch), device=device)

    def step() -> None:
        network.zero_grad()
        with precision.forward_context():
            loss = dice_ce_loss(network(patches), label, cli.model.ce_weight)
        loss.backward()

    def forward() -> None:
        with torch.no_grad(), precision.forward_context():
            network(windows)

    step_s, forward_s = (median_seconds(work, device.type, REPEATS) for work in (step, forward))
    return Seconds(step_s / len(patches), forward_s / len(windows))


def _work(cli: BenchmarkCLI) -> tuple[int, int]:
    """Patches that a run trains on, and windows that it labels in validations and test."""
    data = cli.datamodule
    data.setup("fit")
    each = data.patches_per_epoch
    bounds = ((cli.trainer.max_epochs or -1, each), (cli.trainer.max_steps, data.batch_size))
    patches = min((count * size for count, size in bounds if count > 0), default=0)  # without any it never ends
    between = max(data.epochs_to_validation, cli.trainer.check_val_every_n_epoch or 1)
    validations = max(math.ceil(patches / each) // between, 1)
    windows = validations * _windows(cli, data.validated) + _windows(cli, data.parts.test)
    return patches, windows


def _windows(cli: BenchmarkCLI, subjects: Sequence[str]) -> int:
    """Windows that cover some subjects, and their mirror images where those are labelled too."""
    inference: Inference = cli.model.inference
    window, stored = inference.window, cli.datamodule.cohort.subjects
    shapes = [list(map(max, stored[subject].shape, window.size)) for subject in subjects]
    return sum(math.prod(map(len, window.starts(shape))) for shape in shapes) * (2 if inference.mirror else 1)
