"""Why a run can't be counted: it is missing, unfinished, duplicated, stale, or lacks subjects."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from benchmark.runs.folder import RunFolder, RunRecord


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


def objection(runs: Sequence[FoundRun], expected: RunRecord, tested: frozenset[str]) -> str:
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
    if not run.folder.cases.is_file():
        return "its cases.csv is gone"
    for file in case_files(run.folder):
        if wrong := _wrong_cases(file, run.record):
            return f"stale: its {file.name} is of another {', '.join(wrong)}"
    lacking = tested - _subjects(run.folder)
    return f"its cases.csv lacks {', '.join(sorted(lacking))}" if lacking else ""


def _changes(record: RunRecord, expected: RunRecord) -> list[str]:
    """How a record differs from what is expected; an expected hash that isn't known is left open."""
    then, now = asdict(record), asdict(expected)
    return [f"{key} {then[key]}, expected {now[key]}" for key in now if now[key] != "" and then[key] != now[key]]


def _wrong_cases(file: Path, record: RunRecord) -> list[str]:
    """Columns in which the cases of a run are not those of its record."""
    known = {key: str(value) for key, value in asdict(record).items()}
    cases = pd.read_csv(file, usecols=list(known), dtype=str)
    return sorted(key for key, value in known.items() if set(cases[key]) != {value})


def _subjects(folder: RunFolder) -> frozenset[str]:
    return frozenset(pd.read_csv(folder.cases, usecols=["subject"], dtype=str)["subject"])


def tested_subjects(found: Sequence[FoundRun]) -> dict[int, frozenset[str]]:
    """The subjects that any run of a fold has scored, by fold."""
    tested: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
    for run in found:
        if run.folder.is_done():
            tested[run.record.fold] |= _subjects(run.folder)
    return tested
