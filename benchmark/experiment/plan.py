"""Which runs of an experiment are to be done, and whether their folders allow it."""

import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from benchmark.experiment.definition import Experiment, expand
from benchmark.launching.launch import Job
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.lock import LockedError, is_locked, refusal
from benchmark.runs.settings import Run
from benchmark.training.tracking import WandbMode
from datamodules.cohort.splits import Splits, load_splits
from datamodules.cohort.store import Cohort
from datamodules.patches.shares import share

Planned = Sequence[tuple[Run, RunFolder]]


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


def training_jobs(planned: Planned, cohort: Cohort, splits: Splits, wandb: WandbMode = "offline") -> list[Job]:
    """What `plan` chose, as jobs on a cohort and its folds."""
    return [Job(folder, partial(folder.begin, run, cohort, splits, wandb)) for run, folder in planned]
