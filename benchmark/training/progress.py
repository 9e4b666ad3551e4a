"""How far a training has come, for whoever looks at it: a small file for other processes, and a line an epoch."""

import logging
import math
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import lightning as L

from benchmark.training.task import Batch, SegmentationTask
from datamodules.files import read_json, write_json
from datamodules.petmr import PETMRDataModule

PACE_S = 5.0
"""Between two writes at least, however short the steps."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """What `progress.json` says.

    Attributes:
        epoch: Finished epochs.
        epochs: Of the whole training; None where it has no end.
        step: Finished steps.
        steps: Of the whole training; None where it has no end.
        seconds: Spent in training and validation, over all resumes.
        left: Seconds that the rest takes at the pace of this process; None before its first step.
        loss: Mean of the last steps, over all ranks; None before the first look at it.
        dice: Of the last validation; None before the first.
    """

    epoch: int
    epochs: int | None
    step: int
    steps: int | None
    seconds: float
    left: float | None = None
    loss: float | None = None
    dice: float | None = None

    def __str__(self) -> str:
        """A line for people."""
        parts = [f"epoch {self.epoch} of {self.epochs}, step {self.step} of {self.steps}: loss {_number(self.loss)}"]
        parts += [f"validation Dice {_number(self.dice)}", f"{_clock(self.seconds)} so far, {_clock(self.left)} left"]
        return ", ".join(parts)


class Progress(L.Callback):
    """Writes a `Standing` every few seconds and after every epoch; nothing is read from the device for it."""

    def __init__(self, path: str) -> None:
        """Write to the JSON file `path`."""
        self.path = Path(path)
        self.dice: float | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on counting where an interrupted process stopped, and say whom validation is made of."""
        known = read_json(self.path)
        self.before, self.first = float(known.get("seconds", 0)), trainer.global_step
        self.dice, self.started = known.get("dice"), time.monotonic()
        self._write(trainer, pl_module)
        if trainer.is_global_zero:
            data: PETMRDataModule = trainer.datamodule  # type: ignore[attr-defined]
            drawn, part = data.validated, data.parts.validation
            every = trainer.check_val_every_n_epoch or 1
            logger.info(
                "Validation of %d of %d subjects every %d steps: %s",
                *(len(drawn), len(part), every * int(trainer.num_training_batches), ", ".join(drawn)),
            )

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: object, batch: Batch, batch_idx: int
    ) -> None:
        """Write now and then."""
        if time.monotonic() - self.written > PACE_S:
            self._write(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember what was scored."""
        if not trainer.sanity_checking:
            self.dice = float(trainer.callback_metrics["val/dice"])

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write, and tell the log."""
        standing = self._write(trainer, pl_module, finished=1)
        if trainer.is_global_zero:
            logger.info("%s", standing)

    def _write(self, trainer: L.Trainer, pl_module: L.LightningModule, finished: int = 0) -> Standing:
        self.written = time.monotonic()
        standing = self._standing(trainer, pl_module, self.written - self.started, finished)
        if trainer.is_global_zero:
            write_json(self.path, asdict(standing))
        return standing

    def _standing(self, trainer: L.Trainer, module: L.LightningModule, seconds: float, finished: int) -> Standing:
        done, steps = trainer.global_step - self.first, trainer.estimated_stepping_batches
        bounded = math.isfinite(steps)
        return Standing(
            epoch=trainer.current_epoch + finished,
            epochs=math.ceil(steps / trainer.num_training_batches) if bounded else None,
            step=trainer.global_step,
            steps=int(steps) if bounded else None,
            seconds=round(self.before + seconds, 1),
            left=round(seconds / done * (steps - trainer.global_step), 1) if done and bounded else None,
            loss=cast(SegmentationTask, module).losses.latest,
            dice=self.dice,
        )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _clock(seconds: float | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=round(seconds)))
