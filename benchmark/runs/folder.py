"""The folder of one run: what it is, its configuration, and how far it has come."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from benchmark.runs.lock import locked
from benchmark.runs.settings import Config, Run, effective, merge
from benchmark.runs.workplace import Workplace
from benchmark.training.tracking import WandbMode, loggers
from datamodules.cohort.splits import Splits
from datamodules.cohort.store import Cohort
from datamodules.files import digest, parsing, read_json, write_json, write_text

SECTIONS = ("data", "model")
"""Of every run's configuration."""

PATIENCE_S = 15.0
"""For a process that is just beginning or ending, as after the command that started it was killed."""


@dataclass(frozen=True)
class RunRecord:
    """What a run is, as `run.json`.

    Attributes:
        experiment: Name of the experiment.
        variant: Row of the table.
        network: Its network.
        fold: Tested fold, from 0.
        seed: Of the run.
        identity: Hash of the configuration.
        cohort: Fingerprint of the cohort.
        splits: Fingerprint of the folds.
    """

    experiment: str
    variant: str
    network: str
    fold: int
    seed: int
    identity: str
    cohort: str
    splits: str

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "RunRecord":
        """From plain values.

        Raises:
            TypeError: If one lacks, is unknown, or is of another kind.
        """
        record = cls(**entry)
        for field in fields(cls):
            value = getattr(record, field.name)
            if type(value) is not (int if field.type is int else str):
                raise TypeError(f"{field.name} is {value!r}")
        return record

    @classmethod
    def of(cls, run: Run, cohort: Cohort, splits: Splits) -> "RunRecord":
        """The record of a run on a cohort."""
        known = (run.experiment, run.variant, run.network, run.fold, run.seed, run.identity)
        return cls(*known, cohort.fingerprint, splits.fingerprint)


@dataclass(frozen=True)
class Parts:
    """What the certified folds say of one run, as `parts.json`: the folder can be judged without its cohort.

    Attributes:
        train: Subjects.
        validation: Subjects.
        test: Subjects; each has a row in `cases.csv` for each structure.
        structures: Names of what is scored: all classes but background.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    structures: tuple[str, ...]

    @classmethod
    def of(cls, run: Run, cohort: Cohort, splits: Splits) -> "Parts":
        """The parts of a run's fold."""
        fold = splits.folds[run.fold]
        return cls(fold.train, fold.validation, fold.test, cohort.protocol.names[1:])


@dataclass(frozen=True)
class RunFolder(Workplace):
    """Where the files of one run lie; it is called `variant/fold-0-seed-0`, as its folders are."""

    @property
    def record(self) -> Path:
        """What the run is."""
        return self.path / "run.json"

    @property
    def settings(self) -> Path:
        """The configuration behind the run's identity, without what depends on the place."""
        return self.path / "settings.yaml"

    @property
    def config(self) -> Path:
        """The configuration for LightningCLI."""
        return self.path / "config.yaml"

    @property
    def parts(self) -> Path:
        """Whom the run trains, validates and tests, and which structures it scores."""
        return self.path / "parts.json"

    @property
    def checkpoints(self) -> Path:
        """`best.ckpt` by validation Dice, and while training goes on `last.ckpt` of the last finished epoch."""
        return self.path / "checkpoints"

    @property
    def trained(self) -> Path:
        """Written when training is over: what is known of it."""
        return self.path / "trained.json"

    @property
    def predictions(self) -> Path:
        """Label maps of the test subjects."""
        return self.path / "predictions"

    @property
    def cases(self) -> Path:
        """Scores of the test subjects."""
        return self.path / "cases.csv"

    @property
    def progress(self) -> Path:
        """How far training has come: a `benchmark.training.progress.Standing`."""
        return self.path / "progress.json"

    def read_record(self) -> RunRecord:
        """Read what the run is.

        Raises:
            FileNotFoundError: If this is no run folder.
            ValueError: If its record is damaged.
        """
        if not self.record.is_file():
            raise FileNotFoundError(f"{self.path}: is no run folder (no run.json).")
        with parsing(self.record):
            return RunRecord.from_dict(json.loads(self.record.read_text(encoding="utf-8")))

    def read_config(self) -> Config:
        """Read the configuration for LightningCLI.

        Raises:
            ValueError: If it is damaged.
        """
        with parsing(self.config):
            config: Config = yaml.safe_load(self.config.read_text(encoding="utf-8"))
            if lacking := [key for key in SECTIONS if not isinstance(config.get(key), dict)]:
                raise KeyError(", ".join(lacking))
        return config

    def read_parts(self) -> "Parts":
        """Read whom the run tests on which structures.

        Raises:
            FileNotFoundError: If the folder doesn't say.
            ValueError: If the file is damaged.
        """
        if not self.parts.is_file():
            raise FileNotFoundError(f"{self.path}: doesn't say whom it tests (no {self.parts.name}).")
        with parsing(self.parts):
            return Parts(**{name: tuple(values) for name, values in read_json(self.parts).items()})

    def is_done(self) -> bool:
        """Whether the run has written its completion marker, and its scores are still there; nothing else counts."""
        return self.done.is_file() and self.cases.is_file()

    def check(self, run: Run, record: RunRecord) -> None:
        """Refuse to go on with a folder that another configuration, cohort or set of folds has begun.

        Raises:
            ValueError: Naming what differs.
        """
        if not self.record.is_file():
            return
        known, now = asdict(self.read_record()), asdict(record)
        changed = [f"{key}: {known[key]} then, {now[key]} now" for key in now if known[key] != now[key]]
        if changed:
            raise ValueError(
                f"{self.path}: was begun with something else ({'; '.join([*changed, *self._changed_settings(run)])}). "
                "Undo the change, choose another --output, or start these runs over with --restart."
            )

    def begin(self, run: Run, cohort: Cohort, splits: Splits, wandb: WandbMode) -> None:
        """Write record, parts and configuration, unless another command has begun something else here meanwhile.

        Raises:
            ValueError: As `check`.
            LockedError: If another command is just beginning.
        """
        record = RunRecord.of(run, cohort, splits)
        with locked(self.beginning, PATIENCE_S):
            self.check(run, record)
            write_json(self.parts, asdict(Parts.of(run, cohort, splits)))
            write_text(self.settings, yaml.safe_dump(run.config, sort_keys=False))
            write_text(self.config, yaml.safe_dump(self._placed(run, record, cohort.path, wandb), sort_keys=False))
            write_json(self.record, asdict(record))

    def _changed_settings(self, run: Run) -> list[str]:
        if not self.settings.is_file():
            return []
        with parsing(self.settings):
            known = effective(yaml.safe_load(self.settings.read_text(encoding="utf-8")))
        now = effective(run.config)
        keys = sorted(key for key in {*known, *now} if known.get(key) != now.get(key))
        return [f"{key}: {known.get(key)} then, {now.get(key)} now" for key in keys]

    def _placed(self, run: Run, record: RunRecord, cohort: Path, wandb: WandbMode) -> Config:
        """The run's configuration with all paths in it."""
        own = run.config.get("trainer", {})
        trainer: dict[str, Any] = {
            "default_root_dir": str(self.path),
            "logger": loggers(
                self.path,
                mode=wandb,
                experiment=run.experiment,
                job_type=run.variant,
                name=run.name,
                run_id=digest([run.experiment, run.name, record.identity]),
            ),
            "callbacks": [*own.get("callbacks", []), *self._callbacks()],
        }
        return merge(run.config, {"data": {"cohort": str(cohort.resolve())}, "trainer": trainer})

    def _callbacks(self) -> list[Config]:
        return [
            {"class_path": "benchmark.training.stopping.StopAtOnce"},
            {"class_path": "benchmark.training.progress.Progress", "init_args": {"path": str(self.progress)}},
            {"class_path": "benchmark.training.callbacks.Throughput"},
            {"class_path": "benchmark.training.callbacks.SlicePanel"},
            {"class_path": "lightning.pytorch.callbacks.LearningRateMonitor"},
            {
                "class_path": "benchmark.training.callbacks.PredictionWriter",
                "init_args": {"folder": str(self.predictions)},
            },
            {"class_path": "benchmark.checkpoints.BestAndLast", "init_args": {"dirpath": str(self.checkpoints)}},
        ]
