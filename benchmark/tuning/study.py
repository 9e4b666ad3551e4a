"""The trials of one network, in a journal on disk: killed at any moment, the same trials follow as if it hadn't been.

Each trial draws with a seed of its own number, from the history of the finished ones, and nothing else. A trial that
was cut off is forgotten and begun again.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from benchmark.runs.settings import Config
from benchmark.runs.tuned import Trial
from benchmark.tuning.space import as_parameters, suggest

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
SETTINGS, EPOCHS, STATE = "settings", "epochs", "state"
"""What a trial remembers besides what Optuna does."""

STARTUP = 5
"""Trials that are drawn evenly, before others follow the best; whatever the budget, so that more trials only add."""


@dataclass(frozen=True)
class Course:
    """How a training went: the best validation Dice, the epochs that it finished, and how it ended."""

    dice: float
    epochs: int
    state: str


Watch = Callable[[int, float], bool]
"""Told the validation Dice of every finished epoch, numbered from 0; whether training should stop."""

Train = Callable[[Config, Watch], Course]
"""Trains with some settings."""


@dataclass(frozen=True)
class Budget:
    """What every network gets.

    Attributes:
        trials: Trainings.
        epochs: The longest of each.
        seed: Of the draws.
    """

    trials: int
    epochs: int
    seed: int

    def __post_init__(self) -> None:
        if self.trials < 1 or self.epochs < 1:
            raise ValueError(f"Tuning takes at least one trial and one epoch, got {self.trials} and {self.epochs}.")


class _Held:
    """The journal belongs to the process that holds the study's own lock, which a killed process doesn't leave."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


def search(
    journal: Path, own: Config, budget: Budget, train: Train, progress: Callable[[Trial], None] = lambda trial: None
) -> tuple[Trial, ...]:
    """Bring a study to its end.

    Args:
        journal: File that remembers it; made where it isn't there.
        own: The experiment's own settings, which the first trial has.
        budget: How much may be tried.
        train: Does one training.
        progress: Called with every trial that is finished, also by an earlier call.

    Returns:
        All trials in order.
    """
    study = _open(journal)
    for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING, TrialState.WAITING]):
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    for known in _finished(study):
        progress(known)
    while (number := len(_finished(study))) < budget.trials:
        _try(study, number, own, budget, train)
        progress(_finished(study)[-1])
    return _finished(study)[: budget.trials]


def _open(journal: Path) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    _cut_to_whole_lines(journal)
    storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=_Held()))  # type: ignore[arg-type]
    return optuna.create_study(study_name="tuning", storage=storage, direction="maximize", load_if_exists=True)


def _cut_to_whole_lines(journal: Path) -> None:
    """Drop what a killed process had half written, which Optuna would stumble over later."""
    if journal.is_file():
        written = journal.read_bytes()
        whole = written.rpartition(b"\n")
        if whole[2]:
            journal.write_bytes(whole[0] + whole[1])


def _try(study: optuna.Study, number: int, own: Config, budget: Budget, train: Train) -> None:
    study.sampler = optuna.samplers.TPESampler(seed=_seed(budget.seed, number), n_startup_trials=STARTUP)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=max(1, budget.epochs // 3))
    if not number:
        study.enqueue_trial(as_parameters(own))
    trial = study.ask()
    drawn = suggest(trial, own)
    settings = drawn if number else own

    def watch(epoch: int, dice: float) -> bool:
        trial.report(dice, epoch)
        return trial.should_prune()

    course = train(settings, watch)
    for name, value in ((SETTINGS, settings), (EPOCHS, course.epochs), (STATE, course.state)):
        trial.set_user_attr(name, value)
    study.tell(trial, course.dice)


def _finished(study: optuna.Study) -> tuple[Trial, ...]:
    return tuple(map(_as_trial, study.get_trials(deepcopy=False, states=FINISHED)))


def _as_trial(trial: FrozenTrial) -> Trial:
    known = trial.user_attrs
    return Trial(known[SETTINGS], float(trial.value or 0), int(known[EPOCHS]), known[STATE])


def _seed(seed: int, number: int) -> int:
    """The same for every network, so that all are tried at the same points before they go their own ways."""
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:4], "big")


def best_of(trials: Sequence[Trial]) -> int:
    """Number of the trial with the best Dice, the first of equal ones: what isn't better doesn't replace a default.

    A trial that was stopped early can't be the best, unless all were.
    """
    whole = [number for number, trial in enumerate(trials) if trial.state == "complete"]
    return max(whole or range(len(trials)), key=lambda number: (trials[number].dice, -number))
