"""What of an experiment is to be done, and how it is brought to its end, wherever that is and whatever fails."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmark.experiment.definition import Experiment, expand
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.lock import LockedError, is_locked, refusal
from benchmark.runs.settings import Run
from benchmark.runs.workplace import Workplace
from benchmark.training.tracking import WandbMode
from datamodules.cohort.splits import Splits, load_splits
from datamodules.cohort.store import Cohort
from datamodules.files import read_json

Planned = Sequence[tuple[Run, RunFolder]]

WORK = "benchmark.experiment.work"
"""The module that is the process of a job."""

TAIL = 15
"""Lines of a failed job's log that its report shows."""


@dataclass(frozen=True)
class Job:
    """Work that a process does: where, and what must happen there first."""

    place: Workplace
    begin: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """How a job ended: its state, `skipped` where it was done before, and the end of its log where it isn't done."""

    name: str
    state: str
    message: str = ""


class Launcher(Protocol):
    """Brings begun work to its end, somewhere.

    Attributes:
        at_once: Jobs that it takes at a time.
    """

    at_once: int

    def __call__(self, place: Workplace) -> None:
        """Work in one place until its process has ended, however that was."""

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
        ValueError: If there is none.
    """
    chosen = [run for run in expand(experiment) if fnmatch(run.name, only)]
    if not chosen:
        names = ", ".join(run.name for run in expand(experiment))
        raise ValueError(f"No run of '{experiment.name}' matches '{only}'; there are {names}.")
    return [(run, RunFolder(output.resolve() / run.name)) for run in chosen]


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


def training_jobs(planned: Planned, cohort: Cohort, splits: Splits, wandb: WandbMode = "offline") -> list[Job]:
    """What `plan` chose, as jobs on a cohort and its folds."""
    return [Job(folder, partial(folder.begin, run, cohort, splits, wandb)) for run, folder in planned]


def launch(
    jobs: Sequence[Job], launcher: Launcher, report: Callable[[Outcome], None] = lambda outcome: None
) -> list[Outcome]:
    """Bring jobs to their end, skipping those that are done.

    Args:
        jobs: What to do.
        launcher: Where.
        report: Called with each outcome as it is known.

    Raises:
        KeyboardInterrupt: After all processes have been stopped.
    """

    def one(job: Job) -> Outcome:
        outcome = Outcome(job.place.name, "skipped") if job.place.is_done() else _bring(job, launcher)
        report(outcome)
        return outcome

    pool = ThreadPoolExecutor(launcher.at_once)
    try:
        return list(pool.map(one, jobs))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        launcher.stop()
        raise
    finally:
        pool.shutdown(wait=True)


def _bring(job: Job, launcher: Launcher) -> Outcome:
    place = job.place
    try:
        job.begin()
        launcher(place)
    except (OSError, ValueError) as error:  # as from a full disk: others may still find room
        return Outcome(place.name, "failed", str(error))
    return Outcome(place.name, place.state(), "" if place.is_done() else _reason(place))


def _reason(place: Workplace) -> str:
    """Why work isn't done: the error that ended it, and the end of its log."""
    log = place.log
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join([str(read_json(place.ended).get("error", "")), f"The end of {log}:", *lines[-TAIL:]])
