"""One number for each subject, group or training: what tests, ranks and bootstrap draws work on.

Scans of one person aren't independent: what is compared is a group, the mean over its subjects. Where cases name no
groups, every subject is its own.
"""

import pandas as pd

from benchmark.scoring.absence import ABSENT
from benchmark.scoring.columns import GROUP

RUN = ("fold", "seed")
"""Columns of cases that tell one training of a variant from another."""


def subject_means(cases: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Mean of a metric over the structures (and seeds) of every subject: subjects down, variants across."""
    means = _counted(cases, metric).groupby(["subject", "variant"], sort=False)[metric].mean()
    return _across(means, cases)


def group_scores(cases: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """`subject_means`, then their mean over the subjects of every group: groups down, variants across."""
    subjects = _counted(cases, metric).groupby([GROUP, "subject", "variant"], sort=False)[metric].mean()
    return _across(subjects.groupby([GROUP, "variant"], sort=False).mean(), cases)


def run_scores(cases: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """The score of every group by every training.

    Returns:
        One row per variant, fold, seed and group: these, and score.
    """
    counted = _counted(cases, metric)
    subjects = counted.groupby(["variant", *RUN, GROUP, "subject"], sort=False)[metric].mean()
    return subjects.groupby(["variant", *RUN, GROUP], sort=False).mean().rename("score").reset_index()


def has_groups(cases: pd.DataFrame) -> bool:
    """Whether any group holds more than one subject."""
    return GROUP in cases and bool(cases[GROUP].nunique() < cases.loc[cases[GROUP].notna(), "subject"].nunique())


def _counted(cases: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric of the cases that count, each with its group."""
    known = cases.columns.intersection(["variant", *RUN, GROUP, "subject", metric])
    counted = cases.loc[cases["status"] != ABSENT.status, known]
    if GROUP not in counted:
        return counted.assign(**{GROUP: counted["subject"]})
    group = counted["subject"].map(counted.groupby("subject")[GROUP].first())
    return counted.assign(**{GROUP: group.where(group.notna(), counted["subject"])})


def _across(means: "pd.Series[float]", cases: pd.DataFrame) -> pd.DataFrame:
    """Variants as columns, in the order in which cases name them."""
    index = means.index.names[0]
    wide = means.rename("score").reset_index().pivot_table("score", index, "variant", sort=False)
    return wide.reindex(columns=cases["variant"].unique())
