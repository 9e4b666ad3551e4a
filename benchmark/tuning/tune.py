"""`petmr tune`: the same number of trials and steps for every network, and the best settings of each in one file."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import yaml

from benchmark.experiment.definition import Experiment, expand
from benchmark.experiment.plan import splits_of
from benchmark.runs.lock import locked
from benchmark.runs.settings import Config, Run, effective
from benchmark.runs.tuned import Trial, Tuned, TunedVariant
from benchmark.tuning.space import own_settings
from benchmark.tuning.study import Budget, Course, Watch, best_of, search
from datamodules.cohort.splits import Splits
from datamodules.cohort.store import Cohort
from datamodules.files import digest, read_json, sha256, write_json, write_text

TUNED = "tuned.yaml"
HEAD = "# Written by `petmr tune`; `petmr run EXPERIMENT.yaml --tuned` takes it.\n"

TrainRun = Callable[[Run, Cohort, Config, int, Watch], Course]
"""Trains a run on a cohort with some settings for so many epochs."""


@dataclass(frozen=True)
class TuneOptions:
    """What is tuned, and how far.

    Attributes:
        trials: For every network.
        fold: On whose validation part settings are scored.
        epochs: The longest training of a trial; the experiment's where None.
        only: Pattern over the names of the rows.
    """

    trials: int
    fold: int = 0
    epochs: int | None = None
    only: str = "*"


def tune(
    experiment: Experiment,
    cohort: Cohort,
    output: Path,
    options: TuneOptions,
    train: TrainRun,
    progress: Callable[[str], None] = lambda trial: None,
) -> Tuned:
    """Tune the rows of an experiment; after an interruption the same call goes on with the same trials.

    Args:
        experiment: Its networks, its fold's validation part, the first of its seeds.
        cohort: On what.
        output: Gets a journal for every row, and `tuned.yaml`.
        options: What is tuned, and how far.
        train: Does one training.
        progress: Called with a description of every trial that is finished.

    Raises:
        ValueError: If the fold doesn't exist, no row is chosen, rows train for different numbers of steps, or one was
            begun with another configuration.
        LockedError: If another process is tuning one of them.
    """
    runs, splits = chosen(experiment, options), splits_of(experiment, cohort)
    budget = Budget(options.trials, options.epochs or _epochs(runs), experiment.seeds[0])
    steps = _steps(runs, len(splits.folds[options.fold].train)) * budget.epochs
    variants = {}
    for run in runs:
        journal = _journal(output, run.variant)
        with locked(journal.with_suffix(".lock")):
            _begin(journal, run, budget, cohort, splits)
            variants[run.variant] = _tune_row(run, cohort, journal, budget, train, progress)
    found = Tuned(
        experiment=experiment.name,
        scale=experiment.scale,
        fold=options.fold,
        seed=budget.seed,
        epochs=budget.epochs,
        steps=steps,
        cohort=cohort.fingerprint,
        splits=splits.fingerprint,
        journal={name: sha256(_journal(output, name)) for name in variants},
        variants=variants,
    )
    write_text(output / TUNED, HEAD + yaml.safe_dump(found.to_dict(), sort_keys=False))
    return found


def chosen(experiment: Experiment, options: TuneOptions) -> list[Run]:
    """The run of every row that is tuned: of the stated fold and the first seed.

    Raises:
        ValueError: If there is none.
    """
    if not 0 <= options.fold < experiment.folds:
        raise ValueError(
            f"There is no fold {options.fold}: those of '{experiment.name}' are 0 to {experiment.folds - 1}."
        )
    untuned, seed = replace(experiment, tuned=None), experiment.seeds[0]
    runs = [run for run in expand(untuned) if (run.fold, run.seed) == (options.fold, seed)]
    if found := [run for run in runs if fnmatch(run.variant, options.only)]:
        return found
    names = ", ".join(run.variant for run in runs)
    raise ValueError(f"No row of '{experiment.name}' matches '{options.only}'; there are {names}.")


def _tune_row(
    run: Run, cohort: Cohort, journal: Path, budget: Budget, train: TrainRun, progress: Callable[[str], None]
) -> TunedVariant:
    def work(settings: Config, watch: Watch) -> Course:
        return train(run, cohort, settings, budget.epochs, watch)

    def told(trial: Trial) -> None:
        progress(f"{run.variant}, Dice {trial.dice:.4f} ({trial.state})")

    trials = search(journal, own_settings(effective(run.config)), budget, work, told)
    return TunedVariant(run.network, _identity(run), best_of(trials), trials)


def _begin(journal: Path, run: Run, budget: Budget, cohort: Cohort, splits: Splits) -> None:
    """Remember what a journal is of; more trials may follow, anything else would be another search.

    Raises:
        ValueError: Naming what differs.
    """
    place = journal.with_suffix(".json")
    now = {
        "identity": _identity(run),
        "cohort": cohort.fingerprint,
        "splits": splits.fingerprint,
        "epochs": budget.epochs,
        "seed": budget.seed,
    }
    then = read_json(place) or now
    if changed := [f"{key}: {then.get(key)} then, {now[key]} now" for key in now if then.get(key) != now[key]]:
        raise ValueError(
            f"{journal}: was begun with something else ({'; '.join(changed)}). Choose another --output, or delete it."
        )
    write_json(place, now)


def _journal(output: Path, variant: str) -> Path:
    return output / f"{variant}.journal"


def _identity(run: Run) -> str:
    return digest([run.network, run.fold, effective(run.config)])


def _epochs(runs: Sequence[Run]) -> int:
    found = {int(run.config["trainer"].get("max_epochs", 0)) for run in runs}
    if len(found) > 1 or min(found) < 1:
        listed = ", ".join(map(str, sorted(found)))
        raise ValueError(f"Rows train for different or unknown numbers of epochs ({listed}): say --epochs.")
    return found.pop()


def _steps(runs: Sequence[Run], subjects: int) -> int:
    """Steps of an epoch, the same for all rows."""
    found = {_steps_of(run.config["data"], subjects): run.variant for run in runs}
    if len(found) > 1:
        listed = ", ".join(f"{steps} ({variant})" for steps, variant in found.items())
        raise ValueError(f"Rows have epochs of different numbers of steps: {listed}. Tune them apart, with --only.")
    return next(iter(found))


def _steps_of(data: Config, subjects: int) -> int:
    length = data.get("epoch_length") or subjects * data.get("patches_per_subject", 2)
    return math.ceil(int(length) / int(data.get("batch_size", 2)))
