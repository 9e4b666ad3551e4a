"""How the variants of an experiment compare in one metric: tests, intervals, ranks, and how stable the ranking is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.scoring.columns import LOWER_IS_BETTER
from benchmark.statistics import ranking, resampling, significance
from benchmark.statistics.scores import group_scores, run_scores


@dataclass(frozen=True)
class Comparison:
    """Statistics of one metric over complete variants.

    Attributes:
        scores: Of `scores.group_scores`.
        intervals: Of `significance.intervals`, with mean_rank, and with several trainings method_low and method_high.
        tests: Of `significance.paired_tests`, and with several trainings of `hierarchical_tests` as well.
        replicates: Of `ranking.replicate_ranks`.
        rank_shares: Of `ranking.rank_shares`.
        stability: Of `ranking.rank_stability`.
        methods: Of `ranking.ranks_by_method`.
        trainings: Trained networks of each variant that scored every group; with one, all is said of these networks.
    """

    scores: pd.DataFrame
    intervals: pd.DataFrame
    tests: pd.DataFrame
    replicates: pd.DataFrame
    rank_shares: pd.DataFrame
    stability: pd.DataFrame
    methods: pd.DataFrame
    trainings: int

    @property
    def of_methods(self) -> bool:
        """Whether there are trainings enough to tell methods from trained networks."""
        return self.trainings > 1

    @property
    def ends(self) -> tuple[str, str]:
        """The columns of `tests` and `intervals` with the interval that counts."""
        return ("method_low", "method_high") if self.of_methods else ("low", "high")


def compare(cases: pd.DataFrame, metric: str) -> Comparison:
    """Compare all variants in `cases` in a metric; the shortest distance ranks first, and the largest of all others."""
    scores, lower = group_scores(cases, metric), metric in LOWER_IS_BETTER
    runs = run_scores(cases, metric)
    intervals, tests = significance.intervals(scores), significance.paired_tests(scores)
    intervals["mean_rank"] = ranking.ranks(scores, lower_is_better=lower).mean().to_numpy()
    trainings = resampling.trainings(runs)
    complete = scores.dropna()
    draws = pd.DataFrame(resampling.resampled_means(complete.to_numpy()), columns=scores.columns)
    if trainings > 1:
        draws = resampling.hierarchical_means(runs).reindex(columns=scores.columns)
        low, high = resampling.quantiles(draws.to_numpy(np.float64))
        intervals = intervals.assign(method_low=low, method_high=high)
        tests = pd.concat([tests, significance.hierarchical_tests(draws)], axis=1)
    return Comparison(
        scores,
        intervals,
        tests,
        ranking.replicate_ranks(runs, lower_is_better=lower),
        ranking.rank_shares(draws, lower_is_better=lower),
        ranking.rank_stability(draws, complete.mean(), lower_is_better=lower),
        ranking.ranks_by_method(scores, tests, lower_is_better=lower),
        trainings,
    )
