"""Why a run can't be counted: it is missing, unfinished, duplicated, stale, altered, or lacks rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.seal import broken
from benchmark.scoring.case_table import read_texts
from datamodules.sources.subjects import named

CASES = ("subject", "structure")


@dataclass(frozen=True)
class FoundRun:
    """A run folder and what it says it is."""

    folder: RunFolder
    record: RunRecord

    @property
    def name(self) -> str:
        """`variant/fold-0-seed-0`."""
        return name_of(self.record)


def name_of(record: RunRecord) -> str:
    """`variant/fold-0-seed-0`, as the folder of a run is called."""
    return f"{record.variant}/fold-{record.fold}-seed-{record.seed}"


def case_files(folder: RunFolder) -> list[Path]:
    """A run's `cases.csv`, and those of further tests beside it (`cases-*.csv`: noise, external cohorts)."""
    return sorted(folder.path.glob("cases*.csv"))


def objection(runs: Sequence[FoundRun], expected: RunRecord) -> str:
    """Why a run can't be counted; empty where it can."""
    if not runs:
        return "missing"
    if len(runs) > 1:
        return f"duplicated: {' and '.join(str(run.folder.path) for run in runs)}"
    (run,) = runs
    if not run.folder.done.is_file():
        return "not finished"
    if changed := _changes(run.record, expected):
        return f"stale: {', '.join(changed)}"
    if altered := broken(run.folder.path, run.folder.done):
        return f"altered: {', '.join(altered)}"
    for file in case_files(run.folder):
        if file != run.folder.cases and (altered := broken(run.folder.path, marker_of(file))):
            return f"altered: {', '.join(altered)}"
        if wrong := _wrong_cases(file, run.record):
            return f"stale: its {file.name} is of another {', '.join(wrong)}"
    return _lack(run.folder)


def marker_of(cases: Path) -> Path:
    """What says that the test under a condition, whose cases are `cases-NAME.csv`, is complete."""
    return cases.parent / cases.stem.replace("cases", "predictions", 1) / "done.json"


def _changes(record: RunRecord, expected: RunRecord) -> list[str]:
    """How a record differs from what is expected; an expected hash that isn't known is left open."""
    then, now = asdict(record), asdict(expected)
    return [f"{key} {then[key]}, expected {now[key]}" for key in now if now[key] != "" and then[key] != now[key]]


def _wrong_cases(file: Path, record: RunRecord) -> list[str]:
    """Columns in which the cases of a run are not those of its record."""
    known = {key: str(value) for key, value in asdict(record).items()}
    cases = read_texts(file, list(known))
    return sorted(key for key, value in known.items() if set(cases[key].unique()) != {value})


def _lack(folder: RunFolder) -> str:
    """Which rows the cases of a run lack, or have twice: each tested subject has one for each structure."""
    parts = folder.read_parts()
    cells = read_texts(folder.cases, CASES)
    expected = pd.MultiIndex.from_product([parts.test, parts.structures], names=CASES)
    found = pd.MultiIndex.from_frame(cells)
    odd = [
        ("lacks", expected.difference(found)),
        ("has too many of", found.difference(expected)),
        ("has twice", found[found.duplicated()]),
    ]
    return "; ".join(f"its cases.csv {what} {_listed(cells)}" for what, cells in odd if len(cells))


def _listed(cells: pd.MultiIndex) -> str:
    subjects = cells.get_level_values("subject").unique()
    structures = cells.get_level_values("structure").unique()
    return f"{named(subjects)} ({named(structures)})"
