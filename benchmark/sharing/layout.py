"""What lies where in a pack. Names alone decide what may be in one: no path leads out, and nothing heavy gets in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.experiment.definition import NAME
from benchmark.runs.folder import RunFolder

INDEX = "pack.json"
FORMAT = 1
"""Raised when packs of before can't be read any more; other formats are refused."""

OF_RUN = (
    "run.json",
    "parts.json",
    "settings.yaml",
    "config.yaml",
    "done.json",
    "cases*.csv",
    "calibration.csv",
    "calibration.json",
    "log/version_*/metrics.csv",
    "predictions-*/done.json",
)
PREDICTIONS = "predictions*/*.nii.gz"

_RUN = rf"(?P<experiment>{NAME})/(?P<variant>{NAME})/fold-(?P<fold>\d+)-seed-(?P<seed>\d+)"
_FILE = "|".join(
    (
        r"(run|parts|done|calibration)\.json",
        r"calibration\.csv",
        r"(settings|config)\.yaml",
        rf"cases(-{NAME})?\.csv",
        r"log/version_\d+/metrics\.csv",
        rf"predictions-{NAME}/done\.json",
        rf"predictions(-{NAME})?/{NAME}\.nii\.gz",
    )
)
_OF_EXPERIMENT = rf"{NAME}/((grid|experiment|reading|folds|images)\.json|covariates\.csv)"
_ENTRY = re.compile(rf"{_RUN}/(?P<file>{_FILE})")


@dataclass(frozen=True)
class Place:
    """Where a run lies in a pack, by the names of its folders."""

    experiment: str
    variant: str
    fold: int
    seed: int

    def __str__(self) -> str:
        return f"{self.experiment}/{self.variant}/fold-{self.fold}-seed-{self.seed}"


def is_allowed(entry: str) -> bool:
    """Whether a file of this name belongs into a pack."""
    return bool(entry == INDEX or _ENTRY.fullmatch(entry) or re.fullmatch(_OF_EXPERIMENT, entry))


def place_of(entry: str) -> Place | None:
    """The run that a file of a pack is of; None for what belongs to a whole experiment."""
    found = _ENTRY.fullmatch(entry)
    if not found:
        return None
    return Place(found["experiment"], found["variant"], int(found["fold"]), int(found["seed"]))


def files_of_run(folder: RunFolder, *, predictions: bool) -> Iterator[tuple[str, Path]]:
    """The files of a run that go into a pack, by their names below it."""
    patterns = (*OF_RUN, *([PREDICTIONS] if predictions else []))
    for pattern in patterns:
        for path in sorted(folder.path.glob(pattern)):
            if not path.name.startswith("."):
                yield path.relative_to(folder.path).as_posix(), path
