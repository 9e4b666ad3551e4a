"""Tables of an experiment, computed from its cases alone: numbers in long form, not yet set for print."""

from collections.abc import Sequence

import pandas as pd

from benchmark.scoring.absence import ABSENT
from benchmark.scoring.cases import pooled, summarise
from benchmark.scoring.columns import METRICS
from datamodules.patches.misalignment import Misalignment

NOISE = "noise"
"""Column of cases: level of the noise added to the tested PET; missing or 0 for the PET as it is."""

MISSING = "missing"
"""Column of cases: the modality that was set to 0 in the tested subjects; missing where none was."""

MISALIGNED_MM, MISALIGNED_DEGREES = "misaligned_mm", "misaligned_degrees"
"""Columns of cases: how far the tested PET was displaced; missing where it wasn't."""

MISALIGNED = "misaligned"
"""Column of `by_misalignment`: both in words."""

TEST_COHORT = "test_cohort"
"""Column of cases: name of an external cohort; missing for the test part of a fold."""


def internal(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases of the folds' own test subjects with PET and MR as they are; uncopied where there are no others."""
    changed = _given(cases, TEST_COHORT) | _given(cases, MISSING) | _given(cases, MISALIGNED_MM)
    kept = _without_noise(cases) & ~changed
    return cases if kept.all() else cases[kept]


def elsewhere(cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name of each external cohort to its cases."""
    external = cases[_given(cases, TEST_COHORT)]
    return {str(name): own for name, own in external.groupby(TEST_COHORT, sort=False)} if len(external) else {}


def overall(cases: pd.DataFrame, by: Sequence[str] = ("variant",)) -> pd.DataFrame:
    """Mean over the structures (and seeds) of a subject, then mean and standard deviation over subjects.

    Returns:
        Long form: `by`, metric, mean, std, n (subjects), cells, missed, spurious.
    """
    return summarise(internal(cases), by)


def pooled_counts(cases: pd.DataFrame) -> pd.DataFrame:
    """The other reading of the paper's table: counts summed over subjects first."""
    return pooled(internal(cases), ["variant"])


def by_structure(cases: pd.DataFrame) -> pd.DataFrame:
    """As `overall`, for every structure apart."""
    return overall(cases, ["variant", "structure"])


def by_noise(cases: pd.DataFrame) -> pd.DataFrame:
    """As `overall`, for every level of noise apart, as of `at_every_level`; empty where no case has any."""
    own = cases[~_given(cases, TEST_COHORT) & ~_given(cases, MISSING) & ~_given(cases, MISALIGNED_MM)]
    if _without_noise(own).all():
        return pd.DataFrame()
    return summarise(at_every_level(own.assign(**{NOISE: own[NOISE].fillna(0)}), NOISE), ["variant", NOISE])


def by_test_cohort(cases: pd.DataFrame) -> pd.DataFrame:
    """As `overall`, for every external cohort apart; empty where there is none.

    Each external subject is segmented by the networks of all folds; its scores are averaged before those of the
    subjects are, so that n stays the number of subjects.
    """
    external = cases[_given(cases, TEST_COHORT)]
    return summarise(external, ["variant", TEST_COHORT]) if len(external) else pd.DataFrame()


def by_missing(cases: pd.DataFrame) -> pd.DataFrame:
    """As `overall`, for every modality that was missing apart; empty where none was."""
    without = cases[_given(cases, MISSING)]
    return summarise(without, ["variant", MISSING]) if len(without) else pd.DataFrame()


def by_misalignment(cases: pd.DataFrame) -> pd.DataFrame:
    """As `overall`, for every misalignment apart and none, as of `at_every_level`; empty where there is no other."""
    moved = cases[_given(cases, MISALIGNED_MM)]
    if moved.empty:
        return pd.DataFrame()
    sizes = zip(moved[MISALIGNED_MM], moved[MISALIGNED_DEGREES], strict=True)
    named = moved.assign(**{MISALIGNED: [str(Misalignment(mm, degrees)) for mm, degrees in sizes]})
    still = internal(cases).assign(**{MISALIGNED: str(Misalignment())})
    return summarise(at_every_level(pd.concat([still, named]), MISALIGNED), ["variant", MISALIGNED])


def at_every_level(cases: pd.DataFrame, level: str) -> pd.DataFrame:
    """The cases of what a variant was tested on at all of its levels, so that these differ in nothing else."""
    levels = cases.groupby("variant")[level].transform("nunique")
    return cases[cases.groupby(["variant", "seed", "subject"])[level].transform("nunique") == levels]


def by_subject(cases: pd.DataFrame) -> pd.DataFrame:
    """Mean over the structures (and seeds) of every subject.

    Returns:
        One row per variant, subject and metric: these, and value.
    """
    counted = cases[cases["status"] != ABSENT.status]
    means = counted.groupby(["variant", "subject"], sort=False)[list(METRICS)].mean()
    return means.reset_index().melt(["variant", "subject"], var_name="metric")


def of_structures(cases: pd.DataFrame, structures: Sequence[str]) -> pd.DataFrame:
    """Mean Dice (over seeds) of some structures in every subject: variant, structure, subject, dice."""
    counted = cases[(cases["status"] != ABSENT.status) & cases["structure"].isin(list(structures))]
    return counted.groupby(["variant", "structure", "subject"], sort=False)["dice"].mean().reset_index()


def sizes(cases: pd.DataFrame) -> pd.DataFrame:
    """Mean volume of every structure's truth over the subjects that have it, the largest first: structure, ml."""
    volumes = cases["truth_ml"].where(cases["truth_ml"] > 0).groupby(cases["structure"], sort=False).mean()
    ordered = volumes.sort_values(ascending=False, kind="stable", na_position="last")
    return ordered.rename("ml").rename_axis("structure").reset_index()


def voxel_mm(cases: pd.DataFrame) -> float:
    """Side of a cube as large as a voxel of the truth, the median over subjects; NaN where nothing tells."""
    voxels = cases["tp"] + cases["fn"]
    known = cases[voxels > 0]
    volumes = (1000 * known["truth_ml"] / voxels[voxels > 0]).groupby(known["subject"]).median()
    return float(volumes.median() ** (1 / 3))


def wide(summary: pd.DataFrame, metric: str, rows: str, columns: str, value: str = "mean") -> pd.DataFrame:
    """One metric of a long table with `rows` down and `columns` across, in the order in which they come."""
    one = summary[summary["metric"] == metric]
    table = one.pivot_table(index=rows, columns=columns, values=value, sort=False)
    return table.reindex(index=list(dict.fromkeys(one[rows])), columns=list(dict.fromkeys(one[columns])))


def _without_noise(cases: pd.DataFrame) -> "pd.Series[bool]":
    noise = cases.get(NOISE, pd.Series(0.0, cases.index))
    return noise.isna() | (noise == 0)


def _given(cases: pd.DataFrame, column: str) -> "pd.Series[bool]":
    return cases.get(column, pd.Series(None, cases.index, dtype=object)).notna()
