"""Scores by what is known of the subjects: sex, age band, scanner. Many tests, so each is a hint and no finding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.scoring.absence import ABSENT
from benchmark.scoring.columns import GROUP
from benchmark.statistics.significance import holm

MOST_LEVELS = 6
"""A column of numbers with more values than these is cut into bands."""

BANDS = 3
UNKNOWN = "unknown"
LEAST = 2
"""Subjects of a level that a test needs."""

SUMMARY = ("covariate", "variant", "level", "n", "mean", "std")
TESTS = ("covariate", "variant", "test", "levels", "n", "p", "p_holm")


@dataclass(frozen=True)
class Covariate:
    """A column of what is known of subjects.

    Attributes:
        name: Its name in the source.
        cuts: Where a column of numbers is cut into bands; terciles where there are none and it has many values.
    """

    name: str
    cuts: tuple[float, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Covariate":
        """From `sex`, or `age:50,65`.

        Raises:
            ValueError: If the cuts aren't rising numbers.
        """
        name, colon, cuts = text.partition(":")
        try:
            numbers = tuple(float(cut) for cut in cuts.split(",")) if colon else ()
        except ValueError:
            numbers = (0.0, 0.0)
        if not name or list(numbers) != sorted(set(numbers)):
            raise ValueError(f"Covariate '{text}' isn't understood: write sex, or age:50,65 for bands of a number.")
        return cls(name, numbers)

    def levels(self, values: Mapping[str, str]) -> dict[str, str]:
        """Subject to its level in words; subjects of which nothing is known are `UNKNOWN`.

        Raises:
            ValueError: If a column that is to be cut holds something else than numbers.
        """
        known = {subject: value for subject, value in values.items() if value.strip()}
        numbers = {subject: _number(value) for subject, value in known.items()}
        if self.cuts and (odd := [known[subject] for subject, number in numbers.items() if np.isnan(number)]):
            raise ValueError(f"Covariate {self.name} can't be cut at {self.cuts}: '{odd[0]}' is no number.")
        banded = self.cuts or (len(set(known.values())) > MOST_LEVELS and not np.isnan(list(numbers.values())).any())
        if banded:
            cuts = self.cuts or _terciles(list(numbers.values()))
            known = {subject: _band(number, cuts) for subject, number in numbers.items()}
        return {subject: known.get(subject, UNKNOWN) for subject in values}


def by_covariate(cases: pd.DataFrame, covariate: Covariate, levels: Mapping[str, str]) -> pd.DataFrame:
    """Mean Dice of every variant in every level.

    Returns:
        Tidy, with `SUMMARY`: mean and standard deviation over n subjects (their groups, where there are).
    """
    scores = _scores(cases, levels)
    table = scores.groupby(["variant", "level"], sort=False)["dice"].agg(["count", "mean", "std"]).reset_index()
    table = table.rename(columns={"count": "n"}).assign(covariate=covariate.name)
    ordered = table.sort_values("level", key=lambda names: names.map(_order), kind="stable")
    return ordered[list(SUMMARY)].reset_index(drop=True)


def level_tests(cases: pd.DataFrame, by: Mapping[Covariate, Mapping[str, str]]) -> pd.DataFrame:
    """Whether the Dice of a variant differs between levels: Mann-Whitney for two, Kruskal-Wallis for more.

    Returns:
        One row per covariate and variant, with `TESTS`; p is NaN below two levels of two known subjects. Holm's
        correction is over all of them.
    """
    rows = [row for covariate, levels in by.items() for row in _tests(cases, covariate, levels)]
    table = pd.DataFrame(rows, columns=list(TESTS[:-1]))
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))


def _tests(
    cases: pd.DataFrame, covariate: Covariate, levels: Mapping[str, str]
) -> Iterator[tuple[str, str, str, int, int, float]]:
    for variant, own in _scores(cases, levels).groupby("variant", sort=False):
        known = own[own["level"] != UNKNOWN].groupby("level")["dice"]
        samples = [sample.to_numpy() for _, sample in known if len(sample) >= LEAST]
        name = "Mann-Whitney" if len(samples) <= 2 else "Kruskal-Wallis"
        yield covariate.name, str(variant), name, len(samples), sum(map(len, samples)), _p(samples)


def _p(samples: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> float:
    if len(samples) < 2:
        return float("nan")
    if len(np.unique(np.concatenate(samples))) == 1:
        return 1.0
    test = stats.mannwhitneyu if len(samples) == 2 else stats.kruskal
    return float(test(*samples).pvalue)


def _scores(cases: pd.DataFrame, levels: Mapping[str, str]) -> pd.DataFrame:
    """Mean Dice over the structures (and seeds) of every subject, then over the subjects of a group in one level."""
    counted = cases[cases["status"] != ABSENT.status]
    subjects = counted.groupby(["variant", "subject"], sort=False)["dice"].mean().reset_index()
    groups = counted.groupby("subject")[GROUP].first() if GROUP in counted else pd.Series(dtype=object)
    unit = subjects["subject"].map(groups).fillna(subjects["subject"])
    placed = subjects.assign(level=subjects["subject"].map(levels).fillna(UNKNOWN), unit=unit)
    return placed.groupby(["variant", "level", "unit"], sort=False)["dice"].mean().reset_index()


def _terciles(values: Sequence[float]) -> tuple[float, ...]:
    cuts = np.quantile(values, np.arange(1, BANDS) / BANDS, method="nearest")
    return tuple(dict.fromkeys(cuts.tolist()))


def _band(number: float, cuts: Sequence[float]) -> str:
    place = int(np.searchsorted(cuts, number, side="right"))
    if place == 0:
        return f"< {cuts[0]:g}"
    return f"≥ {cuts[-1]:g}" if place == len(cuts) else f"{cuts[place - 1]:g} to < {cuts[place]:g}"


def _order(level: str) -> tuple[int, float, str]:
    """Bands from low to high, other levels by name, unknown last."""
    if level == UNKNOWN:
        return (2, 0.0, level)
    number = _number(level.removeprefix("<").removeprefix("≥").partition(" to ")[0])
    return (0, number - level.startswith("<"), level) if not np.isnan(number) else (1, 0.0, level)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
