"""How the variants of an experiment compare in one metric: tests, intervals, ranks, and how stable the ranking is."""

from dataclasses import dataclass

import pandas as pd

from benchmark import statistics
from benchmark.columns import DISTANCES


@dataclass(frozen=True)
class Comparison:
    """Statistics of one metric over complete variants.

    Attributes:
        scores: Of `statistics.subject_scores`.
        intervals: Of `statistics.intervals`, with mean_rank.
        tests: Of `statistics.paired_tests`.
        replicates: Of `statistics.replicate_ranks`.
    """

    scores: pd.DataFrame
    intervals: pd.DataFrame
    tests: pd.DataFrame
    replicates: pd.DataFrame


def compare(cases: pd.DataFrame, metric: str) -> Comparison:
    """Compare all variants in `cases` in a metric; the shortest distance ranks first, and the largest of all others."""
    scores, lower = statistics.subject_scores(cases, metric), metric in DISTANCES
    intervals = statistics.intervals(scores)
    intervals["mean_rank"] = statistics.ranks(scores, lower_is_better=lower).mean().to_numpy()
    return Comparison(
        scores,
        intervals,
        statistics.paired_tests(scores),
        statistics.replicate_ranks(cases, metric, lower_is_better=lower),
    )
