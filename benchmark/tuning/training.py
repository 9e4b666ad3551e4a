"""One trial: a run trained as it would be, watched after every epoch, and never tested."""

from typing import Any

import lightning as L

from benchmark.runs.settings import Config, Run, merge, nested
from benchmark.training.cli import build
from benchmark.training.quiet import quiet
from benchmark.tuning.guard import guarded
from benchmark.tuning.study import Course, Watch
from datamodules.cohort.store import Cohort

ALONE = {"logger": False, "enable_checkpointing": False, "devices": 1, "num_nodes": 1, "strategy": "auto"}
"""Settings of a trainer that leaves no file."""


class Watcher(L.Callback):
    """Tells the validation Dice of every epoch, and stops training where it is told to."""

    def __init__(self, watch: Watch) -> None:
        """Tell `watch`."""
        self.watch = watch
        self.best, self.epochs, self.stopped = 0.0, 0, False

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the epoch that has just been validated."""
        if trainer.sanity_checking:
            return
        dice = float(trainer.callback_metrics["val/dice"])
        self.best, self.epochs = max(self.best, dice), trainer.current_epoch + 1
        stop = self.watch(trainer.current_epoch, dice)
        if stop and trainer.current_epoch + 1 < (trainer.max_epochs or 0):  # after the last there is nothing to stop
            trainer.should_stop = self.stopped = True


def train(run: Run, cohort: Cohort, settings: Config, epochs: int, watch: Watch) -> Course:
    """Train a run with some settings; its fold's test subjects can't be opened meanwhile.

    Args:
        run: Network, fold, seed and configuration.
        cohort: On what.
        settings: Dotted names to values that differ.
        epochs: At most.
        watch: Told how it goes.
    """
    with quiet():
        return _train(run, cohort, settings, epochs, watch)


def _train(run: Run, cohort: Cohort, settings: Config, epochs: int, watch: Watch) -> Course:
    place: dict[str, Any] = {"data": {"cohort": str(cohort.path)}, "trainer": {**ALONE, "max_epochs": epochs}}
    cli = build(merge(run.config, nested(settings), place), run=False)
    data = cli.datamodule
    data.setup("fit")
    data.cohort = guarded(data.cohort, data.parts.test)
    watcher = Watcher(watch)
    cli.trainer.callbacks.append(watcher)  # type: ignore[attr-defined]
    try:
        cli.trainer.fit(cli.model, datamodule=data)
    except FloatingPointError:  # too high a rate is a result, and a bad one
        return Course(0.0, watcher.epochs, "diverged")
    return Course(watcher.best, watcher.epochs, "pruned" if watcher.stopped else "complete")
