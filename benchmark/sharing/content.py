"""What the files of a pack must hold, so that a report of a stranger's pack ends in tables or in one sentence."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import yaml

from benchmark.experiment.definition import NAME
from benchmark.report.facts import COSTS
from benchmark.runs.about import About
from benchmark.runs.folder import Parts, RunRecord
from benchmark.runs.images import ORIGINS, Images
from benchmark.runs.reading import Order, Reading
from benchmark.runs.seal import HASHES
from benchmark.runs.settings import MOST_FOLDS
from benchmark.runs.tuned import STATES, Trial
from benchmark.scoring.absence import Absent
from benchmark.scoring.calibration import COLUMNS
from benchmark.scoring.columns import SCORES, STATUS, STRUCTURE
from benchmark.sharing.layout import Place, place_of
from benchmark.statistics.covariates import Covariate
from benchmark.statistics.tables import MISSING, TEST_COHORT
from datamodules.files import FAULTS
from datamodules.tables import FORMULA

DEEPEST = 40
"""Levels of a YAML file; ours has seven."""

IDENTITY = tuple(field.name for field in fields(RunRecord))
NAMES = (*IDENTITY, "subject", MISSING, TEST_COHORT)
"""Columns of cases that name files of a report."""

NUMBERS = tuple(name for name in SCORES if name not in STATUS)


def check_contents(pack: Path, folder: Path) -> None:
    """Check every file of an opened pack.

    Args:
        pack: What the message names.
        folder: Where its files lie.

    Raises:
        ValueError: Naming the first file that holds something else than its name says.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        check = CHECKS.get(path.name) or CHECKS.get(path.name.partition("-")[0] + path.suffix)
        try:
            if check:
                check(path, place_of(name))
        except FAULTS as error:
            reason = str(error) or type(error).__name__
            raise ValueError(f"{pack}: its {name} isn't what `petmr pack` writes ({reason}).") from error


def _check_record(path: Path, place: Place | None) -> None:
    record = _as_record(_read_json(path))
    told = Place(record.experiment, record.variant, record.fold, record.seed)
    if told != place:
        raise ValueError(f"it is of {told}")


def _check_grid(path: Path, place: Place | None) -> None:
    for entry in _read_json(path):
        record = _as_record(entry)
        if record.experiment != path.parent.name:
            raise ValueError(f"it is of {record.experiment}")


def _as_record(entry: Mapping[str, Any]) -> RunRecord:
    record = RunRecord.from_dict(entry)
    for name, value in vars(record).items():
        if isinstance(value, str) and value and not re.fullmatch(NAME, value):
            raise ValueError(f"{name} is {value!r}, which can't name a folder")
    return record


def _check_parts(path: Path, place: Place | None) -> None:
    parts = Parts(**_read_json(path))
    if not all(isinstance(name, str) for names in vars(parts).values() for name in names):
        raise TypeError("subjects and structures are texts")


def _check_done(path: Path, place: Place | None) -> None:
    entry = _read_json(path)
    versions = entry.get("versions", {})
    if not all(isinstance(text, str) for text in (*versions, *versions.values(), entry.get("hardware", ""))):
        raise TypeError("versions and hardware are texts")
    _check_hashes(entry)
    if wrong := [key for key in (*COSTS, "steps") if not isinstance(entry.get(key), int | float | type(None))]:
        raise TypeError(f"{wrong[0]} is {entry[wrong[0]]!r}")


def _check_hashes(entry: Mapping[str, Any]) -> None:
    """Names of files of the run folder and their hashes: what is compared must lie in it."""
    for name, hashed in entry.get(HASHES, {}).items():
        if not isinstance(hashed, str) or ".." in name or not re.fullmatch(rf"{NAME}(/{NAME})?", name):
            raise ValueError(f"{name} can't be sworn to")


def _check_config(path: Path, place: Place | None) -> None:
    config = _read_yaml(path)
    network = config["model"]["network"]
    folds = config["data"].get("folds", 1)
    if not isinstance(network["class_path"], str) or not isinstance(network.get("init_args", {}), dict):
        raise TypeError("model.network is a class path and its settings")
    if not isinstance(folds, int) or not 1 <= folds <= MOST_FOLDS:
        raise ValueError(f"data.folds is {folds}")


def _check_cases(path: Path, place: Place | None) -> None:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if lacking := [name for name in (*IDENTITY, "subject", *STRUCTURE, *STATUS, *NUMBERS) if name not in table]:
        raise ValueError(f"it has no column {', '.join(lacking)}")
    for column in table:
        values = table[column]
        if column in NUMBERS:
            values.replace("", "nan").astype(float)
        elif wrong := next((one for one in values if not _is_harmless(str(column), one)), ""):
            raise ValueError(f"{column} is {wrong!r}")


def _is_harmless(column: str, text: str) -> bool:
    """Whether a text is a name where it will name a file, and nothing that a spreadsheet would compute anywhere."""
    return not text or bool(re.fullmatch(NAME, text) if column in NAMES else not FORMULA.fullmatch(text))


def _check_curves(path: Path, place: Place | None) -> None:
    for column, values in pd.read_csv(path).items():
        if not pd.api.types.is_numeric_dtype(values):
            raise TypeError(f"{column} isn't all numbers")


def _check_about(path: Path, place: Place | None) -> None:
    about = About.from_dict(_read_json(path))
    words = [about.scale, *about.recipes, *about.recipes.values(), *about.own]
    for tuned in filter(None, [about.tuned]):
        words += [tuned.experiment, tuned.scale]
        for name, one in tuned.variants.items():
            words.append(name)
            for trial in (*one.trials, one.best):
                _check_trial(trial)
    if wrong := [word for word in words if not isinstance(word, str) or not re.fullmatch(NAME, word or "-")]:
        raise ValueError(f"{wrong[0]!r} is no name")


def _check_reading(path: Path, place: Place | None) -> None:
    reading = Reading(**_read_json(path))
    words = [*reading.labels, *reading.labels.values(), *reading.scored]
    words += [Covariate.parse(text).name for text in reading.by]
    if wrong := [word for word in words if not isinstance(word, str) or FORMULA.fullmatch(word)]:
        raise ValueError(f"{wrong[0]!r} is no name")
    if reading.absent not in get_args(Absent) or reading.order not in get_args(Order):
        raise ValueError(f"it asks for {reading.absent!r} and {reading.order!r}")


def _check_images(path: Path, place: Place | None) -> None:
    images = Images(**_read_json(path))
    words = [*images.modalities, images.protocol, images.voxels]
    if images.origin not in ORIGINS or not all(isinstance(word, str) for word in words):
        raise ValueError(f"images are {images.origin!r}")
    if not all(isinstance(number, int) for number in (images.structures, images.subjects, images.groups)):
        raise TypeError("structures, subjects and groups are numbers")


def _check_trial(trial: Trial) -> None:
    numbers = [trial.settings[f"model.{name}"] for name in ("learning_rate", "weight_decay", "ce_weight")]
    if not all(isinstance(value, int | float) for value in (*numbers, trial.dice, trial.epochs)):
        raise TypeError("a trial has a value that is no number")
    if trial.state not in STATES or trial.settings["model.schedule.decay"] not in ("constant", "polynomial"):
        raise ValueError(f"a trial is {trial.state}")


def _check_calibration(path: Path, place: Place | None) -> None:
    table = pd.read_csv(path, dtype={"subject": str, "structure": str}, keep_default_na=False)
    for column in COLUMNS[1:]:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise TypeError(f"{column} isn't all numbers")
    for column in ("subject", "structure"):
        if wrong := next((one for one in table[column] if not _is_harmless(column, one)), ""):
            raise ValueError(f"{column} is {wrong!r}")


def _check_covariates(path: Path, place: Place | None) -> None:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in ("subject", *table):
        if wrong := next((one for one in table[column] if not _is_harmless(column, one)), ""):
            raise ValueError(f"{column} is {wrong!r}")


def _check_folds(path: Path, place: Place | None) -> None:
    entry = _read_json(path)
    parts = [subjects for fold in entry["folds"] for subjects in (fold["train"], fold["validation"], fold["test"])]
    if not all(isinstance(subject, str) for subjects in parts for subject in subjects):
        raise TypeError("subjects are texts")
    if not isinstance(entry["fingerprint"], str) or not isinstance(entry["seed"], int):
        raise TypeError("a fingerprint is a text and a seed a number")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _read_yaml(path: Path) -> Any:
    """A YAML file without aliases, which could make gigabytes of a line."""
    text, depth = path.read_text(encoding="utf-8"), 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            raise ValueError("it refers to itself, or is too deep")
    return yaml.safe_load(text)


CHECKS: dict[str, Callable[[Path, Place | None], None]] = {
    "run.json": _check_record,
    "grid.json": _check_grid,
    "folds.json": _check_folds,
    "parts.json": _check_parts,
    "done.json": _check_done,
    "experiment.json": _check_about,
    "reading.json": _check_reading,
    "images.json": _check_images,
    "config.yaml": _check_config,
    "settings.yaml": lambda path, place: _read_yaml(path),
    "cases.csv": _check_cases,
    "metrics.csv": _check_curves,
    "covariates.csv": _check_covariates,
    "calibration.csv": _check_calibration,
    "calibration.json": lambda path, place: _check_hashes(_read_json(path)),
}
"""By file name, what comes after a `-` left out: `cases-noise-0.2.csv` is checked as `cases.csv`."""
