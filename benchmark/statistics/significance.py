"""Which differences between networks can be believed: paired tests and intervals, all over groups of subjects.

Five fold means can never reach p < 0.0625, and folds share training subjects, so no test here is over folds alone.
Wilcoxon's test is over groups: it asks whether *these trained networks* differ, and with one seed takes the luck of
their training for the method's merit. With two seeds or more `hierarchical_tests` stands beside it.

Every function takes `scores`: one number per group (rows) and variant (columns), as made by
`benchmark.statistics.scores.group_scores`.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.statistics.resampling import (
    DRAWS,
    LEVEL,
    Table,
    bootstrap_p,
    quantiles,
    resampled_means,
    resampled_means_of_each,
)


def intervals(scores: pd.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Mean of every variant with its 95 % bootstrap percentile interval over groups.

    Returns:
        One row per variant: variant, n, mean, low, high.
    """
    complete = scores.dropna()
    low, high = quantiles(resampled_means(complete.to_numpy(), draws, seed))
    means = complete.mean().to_numpy()
    return pd.DataFrame({"variant": scores.columns, "n": len(complete), "mean": means, "low": low, "high": high})


def paired_tests(scores: pd.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Wilcoxon's signed-rank test for every pair of variants, with Holm's correction over all pairs.

    Returns:
        One row per pair: first, second, n (groups scored for both), difference (mean of first - second) with its
        bootstrap interval low to high, p and p_holm. Identical scores give p = 1; without groups p is NaN, and Holm
        corrects for the other pairs.
    """
    firsts, seconds = ([pair[side] for pair in combinations(scores, 2)] for side in (0, 1))
    differences = scores[firsts].to_numpy(np.float64) - scores[seconds].to_numpy(np.float64)
    low, high = quantiles(resampled_means_of_each(differences, draws, seed))
    known = [column[~np.isnan(column)] for column in differences.T]
    table = pd.DataFrame(
        {
            "first": firsts,
            "second": seconds,
            "n": [len(column) for column in known],
            "difference": [column.mean() if column.size else np.nan for column in known],
            "low": low,
            "high": high,
            "p": np.array([signed_rank_p(column) for column in known], np.float64),
        }
    )
    table["p_holm"] = holm(table["p"].to_numpy(np.float64))
    return table


def hierarchical_tests(draws: pd.DataFrame) -> pd.DataFrame:
    """Every pair of variants in draws over folds, trainings and groups.

    Args:
        draws: Of `benchmark.statistics.resampling.hierarchical_means`.

    Returns:
        One row per pair, in the order of `paired_tests`: method_low, method_high, p_method, p_method_holm.
    """
    pairs = list(combinations(draws, 2))
    differences = np.array([draws[first] - draws[second] for first, second in pairs]).reshape(len(pairs), len(draws)).T
    low, high = quantiles(differences)
    p = bootstrap_p(differences)
    return pd.DataFrame({"method_low": low, "method_high": high, "p_method": p, "p_method_holm": holm(p)})


def holm(p: Table) -> Table:
    """Holm's step-down correction; NaN stays NaN and counts as no test."""
    order = np.argsort(p)[: np.count_nonzero(np.isfinite(p))]  # NaN comes last
    corrected = np.full(p.shape, np.nan)
    corrected[order] = np.maximum.accumulate(np.minimum(1.0, p[order] * np.arange(len(order), 0, -1)))
    return corrected


def signed_rank_p(differences: Table) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; 1 where nothing differs, NaN where there is nothing to test."""
    if not differences.size:
        return float("nan")
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences).pvalue)


def smallest_p(groups: int) -> float:
    """The smallest two-sided p that the signed-rank test can reach with so many groups."""
    return float(min(1.0, 2.0 ** (1 - groups)))


def corrected(tests: pd.DataFrame) -> str:
    """The column with the corrected p that counts: that of methods where there are trainings enough to tell."""
    return "p_method_holm" if "p_method_holm" in tests else "p_holm"


def floor_p(tests: pd.DataFrame, draws: int = DRAWS) -> float:
    """The smallest corrected p that any pair can reach: for want of groups, or of bootstrap draws."""
    if tests.empty:
        return float("nan")
    smallest = 2 / (1 + draws) if corrected(tests) == "p_method_holm" else smallest_p(int(tests["n"].max()))
    return min(1.0, len(tests) * smallest)


def too_few(tests: pd.DataFrame) -> bool:
    """Whether no corrected p could fall below the level, however far networks lie apart."""
    return floor_p(tests) > LEVEL


def friedman_p(scores: pd.DataFrame) -> float:
    """Friedman's test that all variants are alike; NaN below three variants or two groups, 1 where all are equal."""
    complete = scores.dropna()
    if complete.shape[1] < 3 or len(complete) < 2:
        return float("nan")
    if complete.eq(complete.iloc[:, 0], axis=0).to_numpy().all():
        return 1.0
    return float(stats.friedmanchisquare(*complete.to_numpy().T).pvalue)


def critical_difference(variants: int, groups: int) -> float:
    """Nemenyi's critical difference of mean ranks at the 5 % level (Demsar, JMLR 2006)."""
    q = stats.studentized_range.ppf(1 - LEVEL, variants, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(variants * (variants + 1) / (6 * groups)))
