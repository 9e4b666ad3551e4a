"""The table of cases on disk, `cases.csv`: one row for every subject and structure."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.scoring.columns import UPTAKE


def subject_cases(subject: str, cases: pd.DataFrame, uptake: pd.DataFrame) -> pd.DataFrame:
    """The rows of one subject: its scores, then its uptake."""
    rows = pd.concat([cases, uptake], axis=1)
    rows.insert(0, "subject", subject)
    return rows


def no_uptake(cases: pd.DataFrame) -> pd.DataFrame:
    """The columns of uptake for a subject without a PET."""
    return pd.DataFrame(np.nan, index=cases.index, columns=list(UPTAKE))


def read_cases(paths: Iterable[Path]) -> pd.DataFrame:
    """Join the tables of several runs; numbers come back to the last bit."""
    return pd.concat([pd.read_csv(path, float_precision="round_trip") for path in paths], ignore_index=True)
