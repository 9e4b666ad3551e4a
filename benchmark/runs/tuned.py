"""Settings that were found by `petmr tune`, with everything that was tried: `tuned.yaml`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmark.runs.settings import Config, nested

STATES = ("complete", "pruned", "diverged")


@dataclass(frozen=True)
class Trial:
    """One training with some settings.

    Attributes:
        settings: Dotted names to values, such as `model.learning_rate`.
        dice: The best mean Dice over the validation subjects; 0 where the loss or weights weren't finite.
        epochs: Finished.
        state: One of `STATES`.
    """

    settings: Config
    dice: float
    epochs: int
    state: str


@dataclass(frozen=True)
class TunedVariant:
    """What was tried for one row, in order: the first trial has the settings of the experiment itself.

    Attributes:
        network: Its network.
        identity: Hash of its configuration before it was tuned.
        chosen: Number of the trial with the best Dice.
        trials: All of them.
    """

    network: str
    identity: str
    chosen: int
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The trial whose settings count."""
        return self.trials[self.chosen]


@dataclass(frozen=True)
class Tuned:
    """The tuning of an experiment's rows, each with the same budget.

    Attributes:
        experiment: Its name.
        scale: Its scale.
        fold: On whose validation part settings were scored.
        seed: Of all trainings.
        epochs: Longest training of a trial.
        steps: Of that.
        cohort: Fingerprint of the cohort.
        splits: Fingerprint of the folds.
        journal: Variant to the hash of the file with all that was tried.
        variants: Those that were tuned.
    """

    experiment: str
    scale: str
    fold: int
    seed: int
    epochs: int
    steps: int
    cohort: str
    splits: str
    journal: Mapping[str, str]
    variants: Mapping[str, TunedVariant]

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Tuned":
        """From plain values."""
        variants = {
            name: TunedVariant(**{**one, "trials": tuple(Trial(**trial) for trial in one["trials"])})
            for name, one in entry["variants"].items()
        }
        return cls(**{**entry, "variants": variants})

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "variants": {name: _plain(one) for name, one in self.variants.items()}}

    def config(self, variant: str) -> Config:
        """What was found for a row, as a layer of its configuration; empty where it wasn't tuned."""
        return nested(self.variants[variant].best.settings) if variant in self.variants else {}


def read_tuned(path: Path) -> Tuned:
    """Read a `tuned.yaml`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it isn't one.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file. `petmr tune` writes one.")
    try:
        return Tuned.from_dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: isn't what `petmr tune` writes ({error!r}).") from error


def _plain(variant: TunedVariant) -> dict[str, Any]:
    return {**asdict(variant), "trials": [asdict(trial) for trial in variant.trials]}
