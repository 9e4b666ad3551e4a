"""How the variants of an experiment compare in one metric: tests, intervals, ranks, and how stable the ranking is."""

from dataclasses import dataclass

import pandas as pd

from benchmark.scoring.columns import DISTANCES
from benchmark.statistics import significance


@dataclass(frozen=True)
class Comparison:
    """Statistics of one metric over complete variants.

    Attributes:
        scores: Of `significance.subject_scores`.
        intervals: Of `significance.intervals`, with mean_rank.
        tests: Of `significance.paired_tests`.
        replicates: Of `significance.replicate_ranks`.
    """

    scores: pd.DataFrame
    intervals: pd.DataFrame
    tests: pd.DataFrame
    replicates: pd.DataFrame


def compare(cases: pd.DataFrame, metric: str) -> Comparison:
    """Compare all variants in `cases` in a metric; the shortest distance ranks first, and the largest of all others."""
    scores, lower = significance.subject_scores(cases, metric), metric in DISTANCES
    intervals = significance.intervals(scores)
    intervals["mean_rank"] = significance.ranks(scores, lower_is_better=lower).mean().to_numpy()
    return Comparison(
        scores,
        intervals,
        significance.paired_tests(scores),
        significance.replicate_ranks(cases, metric, lower_is_better=lower),
    )
