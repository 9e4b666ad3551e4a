"""Brings the runs of an experiment to their end, wherever they are worked on, and goes on after failures."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from benchmark.experiment.definition import Experiment, expand
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.lock import LockedError, is_locked, refusal
from benchmark.runs.settings import Run
from benchmark.training.tracking import WandbMode
from datamodules.cohort.splits import Splits, load_splits
from datamodules.cohort.store import Cohort
from datamodules.files import read_json
from datamodules.patches.shares import share

Planned = Sequence[tuple[Run, RunFolder]]

TAIL = 15
"""Lines of a failed run's log that its report shows."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its state, `skipped` where it was done before, and the end of its log where it isn't done."""

    run: Run
    state: str
    message: str = ""


class Launcher(Protocol):
    """Brings begun runs to their end, somewhere."""

    def __call__(self, folder: RunFolder) -> None:
        """Work on one run until its process has ended, however that was."""

    def stop(self) -> None:
        """Stop everything that is going on."""


def plan(
    experiment: Experiment, cohort: Cohort, splits: Splits, output: Path, only: str = "*", *, restart: bool = False
) -> Planned:
    """The runs that `only` (a pattern over their names) chooses; nothing is started.

    Args:
        experiment: The grid.
        cohort: What it is trained and tested on.
        splits: The cohort's folds.
        output: Holds one folder for each run.
        only: Pattern over `variant/fold-0-seed-0`.
        restart: Whether the chosen folders are emptied first, instead of refused where they hold something else.

    Raises:
        ValueError: If no run is chosen, or a folder was begun with something else.
        LockedError: If a folder to be emptied is in use.
    """
    planned = choose(experiment, output, only)
    if restart:
        _empty([folder for _, folder in planned])
    check(planned, cohort, splits)
    return planned


def choose(experiment: Experiment, output: Path, only: str = "*") -> Planned:
    """The runs that a pattern over their names chooses, and their folders.

    Raises:
        ValueError: If there is none, or processes can't share the steps of one.
    """
    chosen = [run for run in expand(experiment) if fnmatch(run.name, only)]
    if not chosen:
        names = ", ".join(run.name for run in expand(experiment))
        raise ValueError(f"No run of '{experiment.name}' matches '{only}'; there are {names}.")
    for run in chosen:
        _share_steps(run)
    return [(run, RunFolder(output.resolve() / run.name)) for run in chosen]


def _share_steps(run: Run) -> None:
    """Refuse what every process of a run would refuse later."""
    trainer = run.config["trainer"]
    devices = trainer.get("devices", "auto")
    count = len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdecimal() else 1
    try:
        share(run.config["data"]["batch_size"], max(count, 1) * trainer.get("num_nodes", 1))
    except ValueError as error:
        raise ValueError(f"{run.name}: {error}") from error


def check(planned: Planned, cohort: Cohort, splits: Splits) -> None:
    """Refuse folders that were begun with something else.

    Raises:
        ValueError: Naming what differs.
    """
    for run, folder in planned:
        folder.check(run, RunRecord.of(run, cohort, splits))


def _empty(folders: Sequence[RunFolder]) -> None:
    used = [folder for folder in folders if is_locked(folder.lock)]
    if used:
        raise LockedError(refusal(used[0].lock))
    for folder in folders:
        folder.done.unlink(missing_ok=True)  # first: a folder that is half emptied isn't done
        if folder.path.exists():
            shutil.rmtree(folder.path)


def splits_of(experiment: Experiment, cohort: Cohort) -> Splits:
    """The folds that all runs of an experiment share.

    Raises:
        ValueError: If they can't be drawn, or don't fit the cohort.
    """
    return load_splits(cohort, experiment.folds, experiment.split_seed)


def launch(
    planned: Planned,
    cohort: Cohort,
    splits: Splits,
    launcher: Launcher,
    *,
    at_once: int,
    wandb: WandbMode = "offline",
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Bring planned runs to their end, skipping those that are done.

    Args:
        planned: What `plan` chose.
        cohort: What they are trained and tested on.
        splits: Its folds.
        launcher: Where.
        at_once: Runs handed to the launcher at a time.
        wandb: Mode of Weights & Biases.
        report: Called with each outcome as it is known.

    Raises:
        KeyboardInterrupt: After all processes have been stopped.
    """

    def one(item: tuple[Run, RunFolder]) -> Outcome:
        run, folder = item
        outcome = Outcome(run, "skipped") if folder.is_done() else bring(run, folder)
        report(outcome)
        return outcome

    def bring(run: Run, folder: RunFolder) -> Outcome:
        try:
            folder.begin(run, cohort, splits, wandb)
            launcher(folder)
        except (OSError, ValueError) as error:  # as from a full disk: others may still find room
            return Outcome(run, "failed", str(error))
        return Outcome(run, folder.state(), "" if folder.is_done() else _reason(folder))

    pool = ThreadPoolExecutor(at_once)
    try:
        return list(pool.map(one, planned))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        launcher.stop()
        raise
    finally:
        pool.shutdown(wait=True)


def _reason(folder: RunFolder) -> str:
    """Why a run isn't done: the error that ended it, and the end of its log."""
    log = folder.log
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join([str(read_json(folder.ended).get("error", "")), f"The end of {log}:", *lines[-TAIL:]])
