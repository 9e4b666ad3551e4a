"""How scores fall as a test gets harder: mean Dice against PET noise and against misalignment, with intervals."""

from collections.abc import Iterator

import pandas as pd

from benchmark.statistics import significance
from benchmark.statistics.scores import group_scores
from benchmark.statistics.tables import (
    MISALIGNED_DEGREES,
    MISALIGNED_MM,
    NOISE,
    TEST_COHORT,
    at_every_level,
    internal,
)

AXES = {
    NOISE: "PET noise, share of mean uptake",
    MISALIGNED_MM: "PET displaced, mm",
    MISALIGNED_DEGREES: "PET rotated, degrees",
}
"""Columns of cases that say how hard a test was, each with what it is."""

COLUMNS = ("condition", "level", "variant", "n", "mean", "low", "high")


def robustness(cases: pd.DataFrame) -> pd.DataFrame:
    """Mean Dice of every variant at every level of each condition alone, level 0 being the test as it is.

    Returns:
        Tidy, with `COLUMNS`: n counts subjects (or their groups) that a variant was tested on at all of its levels, low
        and high are the ends of the 95 % bootstrap interval over them. Empty where no test was harder; conditions
        without a level above 0 are left out.
    """
    parts = [part for condition in AXES for part in _of_condition(cases, condition)]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))


def _of_condition(cases: pd.DataFrame, condition: str) -> Iterator[pd.DataFrame]:
    harder = _alone(cases, condition)
    if harder.empty:
        return
    easy = internal(cases)
    concerned = easy[easy["variant"].isin(harder["variant"])]
    levels = pd.concat([concerned.assign(level=0.0), harder.assign(level=harder[condition])])
    for level, tested in at_every_level(levels, "level").groupby("level"):
        for _, own in tested.groupby("variant", sort=False):
            yield significance.intervals(group_scores(own)).assign(condition=condition, level=level)


def _alone(cases: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The cases of tests that were harder in this and in nothing else."""
    levels = cases.reindex(columns=list(AXES)).astype(float).fillna(0.0)
    chosen = (levels[condition] > 0) & (levels.drop(columns=condition) == 0).all(axis=1)
    return cases[chosen & cases.get(TEST_COHORT, pd.Series(None, cases.index, dtype=object)).isna()]
