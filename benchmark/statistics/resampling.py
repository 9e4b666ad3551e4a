"""Bootstrap draws of mean scores: over the groups alone, or over all that would be another next time.

A score hangs on which groups were tested, and, of each fold, on the training data and on the random numbers of the
training. Drawing groups alone asks what these trained networks would score on other people. With two seeds or more
`hierarchical_means` draws folds, in every fold drawn its trainings (of each network apart, since no noise of training
is shared) and its groups: what these methods would score. Five folds and three seeds are few, but drawing on every
level counts some variance twice, which outweighs it: `results/false_positives` has 2 to 4 % of them instead of 5 %.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.columns import GROUP

DRAWS = 10_000
LEVEL = 0.05
PART = 1000
"""Draws that are held as floating-point numbers at once: with 10,000 groups 80 MB of 800."""

Table = NDArray[np.float64]


def resampled_means(values: Table, draws: int = DRAWS, seed: int = 0) -> Table:
    """Column means `[draws, K]` of rows drawn with replacement from `values` `[N, K]`, NaN without rows."""
    if not len(values):
        return np.full((draws, values.shape[1]), np.nan)
    parts = [counts.astype(np.float64) @ values / len(values) for counts in _resamplings(len(values), draws, seed)]
    return np.concatenate(parts)


def resampled_means_of_each(values: Table, draws: int = DRAWS, seed: int = 0) -> Table:
    """As `resampled_means`, of each column over the rows where it isn't NaN."""
    means = np.empty((draws, values.shape[1]))
    patterns, pattern_of = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for number, rows in enumerate(patterns.T):
        columns = pattern_of == number
        means[:, columns] = resampled_means(values[rows][:, columns], draws, seed)
    return means


def trainings(runs: pd.DataFrame) -> int:
    """How many trained networks of each variant have scored every group, at least.

    Args:
        runs: Of `benchmark.statistics.scores.run_scores`.
    """
    return int(runs.groupby(["variant", GROUP]).size().min()) if len(runs) else 0


def hierarchical_means(runs: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Mean score of every variant in draws over folds, trainings and groups.

    Where the networks of all folds score every group, as in an external cohort, folds and seeds are trainings alike.

    Args:
        runs: Of `benchmark.statistics.scores.run_scores`; groups that not all trainings of a fold scored are left out.
        draws: How many.
        seed: Of the draws.

    Returns:
        `[draws, K]`, variants across; NaN where no group is left.
    """
    generator = np.random.default_rng(seed)
    variants = list(dict.fromkeys(runs["variant"]))
    blocks = _blocks(runs, variants)
    total, weight = np.zeros((draws, len(variants))), np.zeros((draws, 1))
    if blocks:
        chosen = generator.integers(0, len(blocks), (draws, len(blocks)))
        for index, block in enumerate(blocks):
            places, _ = np.nonzero(chosen == index)
            np.add.at(total, places, len(block) * _draw(block, len(places), generator))
            np.add.at(weight, places, len(block))
    with np.errstate(invalid="ignore"):
        return pd.DataFrame(total / weight, columns=variants)


def bootstrap_p(differences: Table) -> Table:
    """Two-sided p of drawn differences `[draws, ...]`: twice the smaller share beyond 0, of one draw more."""
    below, above = (differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0)
    p = np.minimum(1.0, 2 * (1 + np.minimum(below, above)) / (1 + len(differences)))
    return np.where(np.isnan(differences).any(axis=0), np.nan, p)


def quantiles(means: Table) -> Table:
    """Ends of the 95 % percentile interval, `[2, ...]`."""
    ends: Table = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    return ends


def _blocks(runs: pd.DataFrame, variants: list[str]) -> list[Table]:
    """The scores of every fold, `[groups, variants, trainings]`."""
    numbered = runs.assign(training=runs.groupby(["variant", GROUP]).cumcount())
    wide = numbered.pivot_table("score", GROUP, ["variant", "training"])
    complete = wide.reindex(columns=pd.MultiIndex.from_product([variants, range(trainings(runs))])).dropna()
    folds = runs.groupby(GROUP)["fold"].agg(["first", "nunique"]).loc[complete.index]
    fold = folds["first"] if (folds["nunique"] == 1).all() else folds["first"] * 0
    parts = (part.to_numpy(np.float64) for _, part in complete.groupby(fold))
    return [scores.reshape(len(scores), len(variants), -1) for scores in parts if scores.size]


def _draw(block: Table, draws: int, generator: np.random.Generator) -> Table:
    """Means `[draws, variants]` over groups and, of each variant, trainings of a fold, drawn with replacement."""
    groups, variants, runs = block.shape
    of_groups = generator.multinomial(groups, np.full(groups, 1 / groups), size=draws) / groups
    of_runs = generator.multinomial(runs, np.full(runs, 1 / runs), size=(draws, variants)) / runs
    means = (of_groups @ block.reshape(groups, -1)).reshape(draws, variants, runs)
    drawn: Table = (means * of_runs).sum(axis=-1)
    return drawn


@lru_cache(maxsize=4)
def _resamplings(groups: int, draws: int, seed: int) -> tuple[NDArray[np.uint16], ...]:
    """How often each group is drawn, `[draws, groups]` in parts; the same for all that is compared."""
    generator = np.random.default_rng(seed)
    parts = [min(PART, draws - start) for start in range(0, draws, PART)]
    chances = np.full(groups, 1 / groups)
    return tuple(generator.multinomial(groups, chances, size=part).astype(np.uint16) for part in parts)
