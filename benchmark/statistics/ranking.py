"""Which network comes first, and whether it would again: ranks over groups, draws, replicates, metrics and methods.

Rank 1 is the best; equal scores share the better rank, as in challengeR (Wiesenfarth et al., Sci Rep 2021).
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.statistics.resampling import LEVEL
from benchmark.statistics.scores import RUN
from benchmark.statistics.significance import corrected

METHODS = ("mean", "median", "mean rank", "tests won")
"""How scores of groups become a ranking: by their mean, their median, the mean of the ranks within each group, or the
number of other networks that a corrected test finds worse (test, then rank)."""


def rank(values: "pd.Series[float]", *, lower_is_better: bool = False) -> "pd.Series[float]":
    """Rank of every variant, NaN for what has no value."""
    return values.rank(method="min", ascending=lower_is_better)


def ranks(scores: pd.DataFrame, *, lower_is_better: bool = False) -> pd.DataFrame:
    """Rank of every variant within each group that all have a score of, ties averaged as rank tests ask."""
    return scores.dropna().rank(axis=1, ascending=lower_is_better)


def ranks_by_method(scores: pd.DataFrame, tests: pd.DataFrame, *, lower_is_better: bool = False) -> pd.DataFrame:
    """The ranking by each of `METHODS`.

    Args:
        scores: Of `benchmark.statistics.scores.group_scores`.
        tests: As `benchmark.statistics.comparison.Comparison` has them.
        lower_is_better: Whether it is.

    Returns:
        One row per method and variant: method, variant, rank.
    """
    complete = scores.dropna()
    sign = 1 if lower_is_better else -1  # the smallest is the best of all that follows
    losses = (
        sign * complete.mean(),
        sign * complete.median(),
        ranks(scores, lower_is_better=lower_is_better).mean(),
        -tests_won(tests, list(map(str, scores)), lower_is_better=lower_is_better),
    )
    found = {method: rank(loss, lower_is_better=True) for method, loss in zip(METHODS, losses, strict=True)}
    table = pd.DataFrame(found).rename_axis("variant").reset_index()
    return table.melt("variant", var_name="method", value_name="rank")[["method", "variant", "rank"]]


def tests_won(tests: pd.DataFrame, variants: list[str], *, lower_is_better: bool = False) -> "pd.Series[float]":
    """How many others each variant is better than by a corrected test at the 5 % level."""
    won = pd.Series(0.0, index=variants)
    found = tests[tests[corrected(tests)] < LEVEL]
    first_wins = (found["difference"] < 0) == lower_is_better
    winners = found["first"].where(first_wins, found["second"])
    return won.add(winners.value_counts(), fill_value=0).reindex(variants)


def rank_shares(draws: pd.DataFrame, *, lower_is_better: bool = False) -> pd.DataFrame:
    """How often each variant comes where in bootstrap draws.

    Args:
        draws: Drawn means `[draws, K]`, variants across.
        lower_is_better: Whether it is.

    Returns:
        One row per variant and rank that it ever has: variant, rank, share.
    """
    drawn = _drawn_ranks(draws, lower_is_better)
    shares = drawn.melt(var_name="variant", value_name="rank").value_counts(sort=False) / len(drawn)
    table = shares.rename("share").reset_index()
    return table.sort_values(
        "variant", key=lambda names: names.map(list(draws).index), kind="stable", ignore_index=True
    )


def rank_stability(draws: pd.DataFrame, means: "pd.Series[float]", *, lower_is_better: bool = False) -> pd.DataFrame:
    """Every variant's rank, and its median, 95 % interval and share of first places in bootstrap draws.

    Args:
        draws: As of `rank_shares`.
        means: Over the groups themselves, by variant.
        lower_is_better: Whether it is.

    Returns:
        One row per variant: variant, rank, median, low, high, first.
    """
    drawn = _drawn_ranks(draws, lower_is_better)
    low, median, high = (
        np.quantile(drawn, [LEVEL / 2, 0.5, 1 - LEVEL / 2], axis=0) if len(drawn) else np.full(3, np.nan)
    )
    return pd.DataFrame(
        {
            "variant": list(draws),
            "rank": rank(means, lower_is_better=lower_is_better).reindex(list(draws)).to_numpy(),
            "median": median,
            "low": low,
            "high": high,
            "first": (drawn == 1).mean().to_numpy(),
        }
    )


def _drawn_ranks(draws: pd.DataFrame, lower_is_better: bool) -> pd.DataFrame:
    return draws.dropna().rank(axis=1, method="min", ascending=lower_is_better)


def replicate_ranks(runs: pd.DataFrame, *, lower_is_better: bool = False) -> pd.DataFrame:
    """Rank of every variant in each fold and seed that all have: replicates down, variants across.

    Args:
        runs: Of `benchmark.statistics.scores.run_scores`.
        lower_is_better: Whether it is.
    """
    means = runs.groupby([*RUN, "variant"])["score"].mean().reset_index()
    table = means.pivot_table("score", list(RUN), "variant").reindex(columns=list(dict.fromkeys(runs["variant"])))
    table.index = pd.Index([f"fold {fold}, seed {seed}" for fold, seed in table.index], name="replicate")
    return table.dropna().rank(axis=1, ascending=lower_is_better)


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
