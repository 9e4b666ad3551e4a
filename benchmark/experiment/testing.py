"""The test of a network: every subject is predicted, and scored by processes beside while the next one is predicted.

What is complete stays: an interrupted test goes on with the next subject, as long as the checkpoint is the same.
"""

import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

import lightning as L
import torch
from torch import Tensor

from benchmark.experiment.scores import score_subject
from benchmark.labelling.predictions import prediction_file
from benchmark.launching.following import follow_parent
from benchmark.training.cli import BenchmarkCLI
from benchmark.training.stopping import SIGNALS
from benchmark.training.task import Batch
from datamodules.cohort.store import open_cohort
from datamodules.files import digest, read_json, sha256, write_csv, write_json
from datamodules.petmr import PETMRDataModule

MOST_SCORERS = 4
"""Processes that score: a few keep up with any GPU, and each holds two label maps and their distances."""


class Scored:
    """What is known of the tested subjects, in a folder beside their predictions until the test is over."""

    def __init__(self, predictions: Path) -> None:
        """Look beside the predictions."""
        self.predictions, self.folder = predictions, predictions / "scored"

    def begin(self, identity: str) -> None:
        """Forget what another network, or the same one on other data, has left here."""
        tested = self.folder / "tested.json"
        if read_json(tested).get("identity") != identity:
            shutil.rmtree(self.folder, ignore_errors=True)
            write_json(tested, {"identity": identity})

    def table(self, subject: str) -> Path:
        """The cases of a subject, once it is scored."""
        return self.folder / f"{subject}.csv"

    def predicted(self, subject: str, seconds: float) -> None:
        """Say that a subject's prediction is complete."""
        write_json(self._pace(subject), {"seconds": round(seconds, 3)})

    def seconds(self, subject: str) -> float | None:
        """How long the prediction of a subject took; None where it isn't complete."""
        found = read_json(self._pace(subject)).get("seconds")
        return found if prediction_file(self.predictions, subject).is_file() else None

    def _pace(self, subject: str) -> Path:
        return self.folder / f"{subject}.json"


class ScoreBeside(L.Callback):
    """Leaves out what is predicted already, and has other processes score each prediction once it is written."""

    def __init__(self, cohort: Path, scored: Scored, identity: str) -> None:
        """Score predictions against a cohort's truth."""
        self.cohort, self.scored, self.identity = cohort, scored, identity
        self.scores: list[Future[None]] = []
        workers = min(MOST_SCORERS, max(1, torch.get_num_threads() // 2))
        self.scorers = ProcessPoolExecutor(workers, get_context(), initializer=_begin_scoring)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Let the first rank find out, for all of them, which subjects are left."""
        data: PETMRDataModule = trainer.datamodule  # type: ignore[attr-defined]
        found = self._found(data.parts.test) if trainer.is_global_zero else ()
        data.predicted = trainer.strategy.broadcast(found)

    def _found(self, subjects: Sequence[str]) -> Sequence[str]:
        """The subjects that are predicted already; what isn't scored of them will be."""
        self.scored.begin(self.identity)
        found = [subject for subject in subjects if self.scored.seconds(subject) is not None]
        for subject in found:
            if not self.scored.table(subject).is_file():
                self._score(subject)
        return found

    def on_test_batch_start(self, *args: Any, **settings: Any) -> None:
        """Start the clock."""
        self.started = time.monotonic()

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Tensor,  # type: ignore[override]
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Have the subject scored that was just written."""
        (subject,) = batch["subject"]
        self.scored.predicted(subject, time.monotonic() - self.started)
        self._score(subject)

    def wait(self) -> None:
        """Wait until everything is scored."""
        for score in self.scores:
            score.result()

    def close(self) -> None:
        """End the processes, whatever they are at."""
        self.scorers.shutdown(wait=False, cancel_futures=True)

    def _score(self, subject: str) -> None:
        self.scores.append(self.scorers.submit(score_into, self.scored.table(subject), self.cohort, subject))


def predict_and_score(
    cli: BenchmarkCLI, checkpoint: Path, predictions: Path, about: Mapping[str, Any]
) -> tuple[Sequence[Path], float]:
    """Predict and score all test subjects.

    Args:
        cli: Trainer, task and data.
        checkpoint: Of the network.
        predictions: Folder that the trainer's `PredictionWriter` writes to.
        about: What the predictions depend on besides the checkpoint.

    Returns:
        The tables of cases of all subjects, and the seconds that a prediction takes on average.

    Raises:
        ChildProcessError: If a process that scores dies.
    """
    cohort, scored = cli.datamodule.cohort, Scored(predictions)
    beside = ScoreBeside(cohort.path, scored, digest([sha256(checkpoint), about]))
    cli.trainer.callbacks.append(beside)  # type: ignore[attr-defined]
    try:
        cli.trainer.test(
            cli.model, datamodule=cli.datamodule, ckpt_path=str(checkpoint), weights_only=True, verbose=False
        )
        beside.wait()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            f"{predictions}: a process that scored has died, most likely for want of memory."
        ) from error
    finally:
        beside.close()
    cli.trainer.strategy.barrier("scores")
    subjects = cli.datamodule.parts.test
    seconds = [scored.seconds(subject) or 0.0 for subject in subjects]
    return [scored.table(subject) for subject in subjects], mean(seconds)


def forget_tables(tables: Sequence[Path]) -> None:
    """Remove the tables that `predict_and_score` gave, once they are in the table of all cases."""
    for folder in {table.parent for table in tables}:
        shutil.rmtree(folder)


def score_into(table: Path, cohort: Path, subject: str) -> None:
    """Score a subject's prediction, which lies above its table of cases."""
    write_csv(table, score_subject(_opened(cohort), subject, table.parents[1]))


_opened = cache(open_cohort)


def _begin_scoring() -> None:
    """Heed no signal that is meant for the process which predicts, but end with it."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    follow_parent()
