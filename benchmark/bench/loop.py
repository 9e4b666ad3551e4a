"""A run's training loop against the shortest that gives the same weights: what `Trainer.fit` costs beside steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor

from benchmark.bench.measuring import Begin, Cost, comparison, fresh_peak_mib, in_fresh_process, peak_mib, silently
from benchmark.training.callbacks import Throughput
from benchmark.training.losses import dice_ce_loss
from benchmark.training.progress import Progress
from benchmark.training.quiet import leave_out, without_notices
from benchmark.training.stopping import StopAtOnce
from benchmark.training.task import SegmentationTask
from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.petmr import PETMRDataModule
from datamodules.simulation.cohort import write_cohort
from datamodules.sources.find import find_subjects
from models import NETWORKS

EPOCHS = 2
"""Of which the last is timed."""


@dataclass(frozen=True)
class Training:
    """What both loops do.

    Attributes:
        side: Of the patches, in voxels.
        width: Of the U-Net.
        steps: Of an epoch, two patches each.
    """

    side: int
    width: int
    steps: int

    def data(self, cohort: Path) -> PETMRDataModule:
        """The batches."""
        size = (self.side, self.side, self.side)
        data = PETMRDataModule(str(cohort), folds=2, patch_size=size, epoch_length=2 * self.steps)
        data.prepare_data()
        data.setup("fit")
        return data

    def task(self, data: PETMRDataModule) -> SegmentationTask:
        """The network, which always begins alike, and how it is trained."""
        torch.manual_seed(0)
        network = NETWORKS["unet3d"](data.in_channels, data.out_channels, patch_size=data.patch_size, width=self.width)
        return SegmentationTask(network, data.structures)


Weights = dict[str, Tensor]
Loop = Callable[[Training, Path, Path], tuple[Weights, float]]
TRAININGS = (Training(side=32, width=8, steps=40), Training(side=64, width=16, steps=10))


def bench(
    trainings: Sequence[Training] = TRAININGS, repeats: int = 5, begin: Begin = silently
) -> dict[str, dict[str, Any]]:
    """Compare every training; costs are of a step, the difference is the largest of any weight after all steps."""
    with TemporaryDirectory() as folder:
        cohort = in_fresh_process(write_small_cohort, Path(folder))
        cases = {}
        for training in trainings:
            name = f"unet3d of width {training.width}, patches of {training.side}"
            begin(name)
            cases[name] = _compare(training, cohort, repeats)
        return cases


def write_small_cohort(folder: Path) -> Path:
    """A prepared cohort of phantoms."""
    write_cohort(folder / "source", subjects=4, size=64, spacing=3.0, seed=0)
    return prepare(find_subjects(folder / "source"), folder / "cohort", PrepareSettings(protocol="coarse9")).path


def _compare(training: Training, cohort: Path, repeats: int) -> dict[str, Any]:
    """Measure both in turn, so that whatever else the machine does falls on both."""
    turns = [[in_fresh_process(_measure, loop, training, cohort) for loop in (fitted, bare)] for _ in range(repeats)]
    ours, peer = (_middle([cost for _, cost in side]) for side in zip(*turns, strict=True))
    (weights, _), (expected, _) = turns[0]
    return comparison(ours, peer, max(float((weights[name] - expected[name]).abs().max()) for name in expected))


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(median(cost.cpu_seconds for cost in costs), median(cost.added_mib for cost in costs))


def _measure(loop: Loop, training: Training, cohort: Path) -> tuple[Weights, Cost]:
    """Runs in a process of its own."""
    before = fresh_peak_mib()
    with TemporaryDirectory() as folder:
        weights, seconds = loop(training, cohort, Path(folder))
    return weights, Cost(seconds, peak_mib() - before)


def fitted(training: Training, cohort: Path, folder: Path) -> tuple[Weights, float]:
    """Train as a run does, with all that it has beside: weights, and seconds of a step in the last epoch."""
    leave_out()
    data, watch = training.data(cohort), _Stopwatch()
    task = training.task(data)
    beside = [StopAtOnce(), Progress(str(folder / "progress.json")), Throughput(), LearningRateMonitor()]
    with without_notices():
        trainer = L.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=EPOCHS,
            logger=CSVLogger(folder),
            log_every_n_steps=10,
            limit_val_batches=0,
            callbacks=[watch, *beside],
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
        )
        trainer.fit(task, datamodule=data)
    return _weights(task), watch.seconds / training.steps


def bare(training: Training, cohort: Path, folder: Path) -> tuple[Weights, float]:
    """Train by the fewest lines: weights, and seconds of a step in the last epoch."""
    data = training.data(cohort)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = training.task(data).to(device)
    optimizer = task.optimizer()
    loader = data.train_dataloader()
    for epoch in range(EPOCHS):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        start = _now(device)
        for batch in loader:
            loss = dice_ce_loss(task(batch["image"].to(device)), batch["label"].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = _now(device) - start
    return _weights(task), seconds / training.steps


class _Stopwatch(L.Callback):
    """Times the steps of the last epoch."""

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = _now(pl_module.device)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.seconds = _now(pl_module.device) - self.start


def _now(device: torch.device) -> float:
    """Time that this process has had, or passed where a device has worked for it."""
    if device.type == "cpu":
        return process_time()
    torch.cuda.synchronize(device)
    return perf_counter()


def _weights(task: SegmentationTask) -> Weights:
    return {name: value.cpu() for name, value in task.network.state_dict().items()}
