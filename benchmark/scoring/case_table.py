"""The table of cases on disk, `cases.csv`: one row for every subject and structure."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.scoring.columns import FOUND, STATUS, UPTAKE
from datamodules.files import parsing

UNIT = "unit"
NUMBERS = frozenset({"label", "fold", "seed", "noise", "misaligned_mm", "misaligned_degrees", *FOUND}) - {*STATUS, UNIT}
"""Columns that hold numbers; all others hold names."""

OPTIONAL = frozenset({UNIT, "missing", "test_cohort"})
"""Names that may be left out: an empty cell says that there is none."""


def subject_cases(subject: str, cases: pd.DataFrame, uptake: pd.DataFrame) -> pd.DataFrame:
    """The rows of one subject: its scores, then its uptake."""
    rows = pd.concat([cases, uptake], axis=1)
    rows.insert(0, "subject", subject)
    return rows


def no_uptake(cases: pd.DataFrame) -> pd.DataFrame:
    """The columns of uptake for a subject without a PET."""
    return pd.DataFrame(np.nan, index=cases.index, columns=list(UPTAKE))


def read_cases(paths: Iterable[Path]) -> pd.DataFrame:
    """Join the tables of several runs; numbers come back to the last bit, and names as they were written.

    A subject may be called `001`, `NA` or `1e5`: only the columns of `NUMBERS` are ever taken for numbers.
    """
    return pd.concat([_read(path) for path in paths], ignore_index=True)


def read_texts(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Some columns of a table of cases as they are written.

    Raises:
        ValueError: If a column is missing.
    """
    with parsing(path):
        return pd.read_csv(path, usecols=list(columns), dtype=str, keep_default_na=False)


def _read(path: Path) -> pd.DataFrame:
    unknown = {column: [""] for column in NUMBERS | OPTIONAL}
    with parsing(path):
        columns = pd.read_csv(path, nrows=0).columns
        texts = dict.fromkeys(columns.difference(list(NUMBERS)), str)
        return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=unknown, float_precision="round_trip")
