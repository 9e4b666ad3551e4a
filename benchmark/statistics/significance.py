"""Which differences between networks can be believed: tests, intervals and ranks, all over subjects.

Five fold means can never reach p < 0.0625, and folds share training subjects, so no test here is over folds. Every
function takes `scores`: one number per subject (rows) and variant (columns), as made by `subject_scores`. Where a
cohort has groups (several scans of one person), a row is a group: its scans aren't independent.
"""

from functools import lru_cache
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.scoring.absence import ABSENT
from benchmark.scoring.columns import GROUP

LEVEL = 0.05
DRAWS = 10_000
Table = NDArray[np.float64]


def subject_scores(cases: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Mean of a metric over the structures (and seeds) of every subject, then over the subjects of every group.

    Returns:
        Groups down (subjects, where cases name no groups), variants across.
    """
    counted = cases[cases["status"] != ABSENT.status]
    subject = counted["subject"]
    groups = counted.groupby("subject")[GROUP].first() if GROUP in counted else pd.Series(dtype=object)
    unit = subject.map(groups).fillna(subject)
    of_subjects = counted.groupby([unit, subject.rename("scan"), "variant"], sort=False)[metric].mean().reset_index()
    scores = of_subjects.pivot_table(index="subject", columns="variant", values=metric, sort=False)
    return scores.reindex(columns=list(dict.fromkeys(cases["variant"])))


def intervals(scores: pd.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Mean of every variant with its 95 % bootstrap percentile interval over subjects.

    Returns:
        One row per variant: variant, n, mean, low, high.
    """
    complete = scores.dropna()
    low, high = _quantiles(resampled_means(complete.to_numpy(), draws, seed))
    means = complete.mean().to_numpy()
    return pd.DataFrame({"variant": scores.columns, "n": len(complete), "mean": means, "low": low, "high": high})


def paired_tests(scores: pd.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Wilcoxon's signed-rank test for every pair of variants, with Holm's correction over all pairs.

    Returns:
        One row per pair: first, second, n (subjects scored for both), difference (mean of first - second) with its
        bootstrap interval low to high, p and p_holm. Identical scores give p = 1; without subjects p is NaN, and Holm
        corrects for the other pairs.
    """
    rows = [_compare(scores[[first, second]].dropna(), draws, seed) for first, second in combinations(scores, 2)]
    columns = ["first", "second", "n", "difference", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = holm(table["p"].to_numpy(np.float64))
    return table


def holm(p: Table) -> Table:
    """Holm's step-down correction; NaN stays NaN and counts as no test."""
    tested = np.isfinite(p)
    corrected = np.full(p.shape, np.nan)
    if tested.any():
        corrected[tested] = multipletests(p[tested], method="holm")[1]
    return corrected


def signed_rank_p(differences: Table) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; 1 where nothing differs, NaN where there is nothing to test."""
    if not differences.size:
        return float("nan")
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences).pvalue)


def smallest_p(subjects: int) -> float:
    """The smallest two-sided p that the signed-rank test can reach with so many subjects."""
    return float(min(1.0, 2.0 ** (1 - subjects)))


def too_few(tests: pd.DataFrame) -> bool:
    """Whether no corrected p of `paired_tests` could fall below the level, for want of subjects."""
    return len(tests) * smallest_p(int(tests["n"].max())) > LEVEL


def resampled_means(values: Table, draws: int = DRAWS, seed: int = 0) -> Table:
    """Column means `[draws, K]` of rows drawn with replacement from `values` `[N, K]`, NaN without rows."""
    if not len(values):
        return np.full((draws, values.shape[1]), np.nan)
    means: Table = _resamplings(len(values), draws, seed) @ values / len(values)
    return means


@lru_cache(maxsize=4)
def _resamplings(subjects: int, draws: int, seed: int) -> Table:
    """How often each subject is drawn, `[draws, subjects]`; the same for all that is compared."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws).astype(np.float64)


def ranks(scores: pd.DataFrame, *, lower_is_better: bool = False) -> pd.DataFrame:
    """Rank of every variant within each subject that all have scored, 1 the best, ties averaged."""
    return scores.dropna().rank(axis=1, ascending=lower_is_better)


def friedman_p(scores: pd.DataFrame) -> float:
    """Friedman's test that all variants are alike; NaN below three variants or two subjects, 1 where all are equal."""
    complete = scores.dropna()
    if complete.shape[1] < 3 or len(complete) < 2:
        return float("nan")
    if complete.eq(complete.iloc[:, 0], axis=0).to_numpy().all():
        return 1.0
    return float(stats.friedmanchisquare(*complete.to_numpy().T).pvalue)


def critical_difference(variants: int, subjects: int) -> float:
    """Nemenyi's critical difference of mean ranks at the 5 % level (Demsar, JMLR 2006)."""
    q = stats.studentized_range.ppf(1 - LEVEL, variants, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(variants * (variants + 1) / (6 * subjects)))


def replicate_ranks(cases: pd.DataFrame, metric: str = "dice", *, lower_is_better: bool = False) -> pd.DataFrame:
    """Rank of every variant in each fold and seed: replicates down, variants across."""
    parts = {
        f"fold {fold}, seed {seed}": subject_scores(part, metric).mean()
        for (fold, seed), part in cases.groupby(["fold", "seed"])
    }
    means = pd.DataFrame(parts).T.reindex(columns=list(dict.fromkeys(cases["variant"]))).rename_axis("replicate")
    return means.dropna().rank(axis=1, ascending=lower_is_better)


def kendall_w(table: pd.DataFrame) -> float:
    """Kendall's coefficient of concordance of rankings `[replicates, variants]`, corrected for ties: 1 if all agree."""
    m, k = table.shape
    if m < 2 or k < 2:
        return float("nan")
    sums = table.sum().to_numpy()
    ties = sum(float((counts**3 - counts).sum()) for counts in (row.value_counts() for _, row in table.iterrows()))
    scale = m**2 * (k**3 - k) - m * ties
    return float(12 * ((sums - sums.mean()) ** 2).sum() / scale) if scale else float("nan")


def mean_tau(table: pd.DataFrame) -> float:
    """Mean of Kendall's tau-b over all pairs of replicates; NaN where none is defined."""
    taus = [kendall_tau(table.loc[one], table.loc[other])[0] for one, other in combinations(table.index, 2)]
    defined = [tau for tau in taus if np.isfinite(tau)]
    return float(np.mean(defined)) if defined else float("nan")


def kendall_tau(first: "pd.Series[float]", second: "pd.Series[float]") -> tuple[float, float]:
    """Kendall's tau-b and its p-value over the pairs that both sides know; NaN for fewer than three."""
    both = first.notna() & second.notna()
    if both.sum() < 3:
        return np.nan, np.nan
    result = stats.kendalltau(first[both], second[both])
    return float(result.statistic), float(result.pvalue)


def _compare(pair: pd.DataFrame, draws: int, seed: int) -> tuple[str, str, int, float, float, float, float]:
    first, second = pair.columns
    differences = (pair[first] - pair[second]).to_numpy(np.float64)
    low, high = _quantiles(resampled_means(differences[:, None], draws, seed))
    mean = float(differences.mean()) if differences.size else float("nan")
    return first, second, len(pair), mean, float(low[0]), float(high[0]), signed_rank_p(differences)


def _quantiles(means: Table) -> Table:
    quantiles: Table = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    return quantiles
