"""Where the spread of a network's scores comes from: another seed, another fold, other groups.

Estimates of the analysis of variance with random effects: groups and trainings cross within a fold, folds are apart
(Searle, Casella & McCulloch, Variance Components, 1992, chapter 4). An estimate below 0 is 0.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.columns import GROUP

COLUMNS = ("variant", "folds", "seeds", "groups", "sd_seeds", "sd_folds", "sd_groups", "sd_rest")


def variance_components(runs: pd.DataFrame) -> pd.DataFrame:
    """Standard deviations of the parts of a score.

    Args:
        runs: Of `benchmark.statistics.scores.run_scores`, each group in one fold.

    Returns:
        One row per variant, `COLUMNS`. With one seed sd_seeds and sd_rest can't be told (NaN), so that sd_folds holds
        the noise of training as well; with one fold sd_folds is NaN.
    """
    rows = [(variant, *_components(own)) for variant, own in runs.groupby("variant", sort=False)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _components(runs: pd.DataFrame) -> tuple[float, ...]:
    wide = [part.pivot_table(index="seed", columns=GROUP, values="score") for _, part in runs.groupby("fold")]
    folds = [table.dropna(axis=1).to_numpy() for table in wide]
    folds = [scores for scores in folds if scores.size]
    counts = (len(folds), runs["seed"].nunique(), runs[GROUP].nunique())
    if not folds:
        return (*counts, np.nan, np.nan, np.nan, np.nan)
    seeds, groups, rest = _within(folds)
    between = _between(folds, *(np.nan_to_num(part) for part in (seeds, groups, rest)))
    return (*counts, *(float(np.sqrt(np.maximum(part, 0))) for part in (seeds, between, groups, rest)))


def _within(folds: list[NDArray[np.float64]]) -> tuple[float, float, float]:
    """Variances of trainings, groups and what is left within folds `[seeds, groups]`, pooled over folds."""
    squares = np.array([_squares(scores) for scores in folds])
    seeds, groups = np.array([scores.shape for scores in folds]).T
    least = int(seeds.min())
    of_groups = _ratio(squares[:, 1].sum(), (groups - 1).sum())
    if least < 2:
        return np.nan, of_groups, np.nan
    rest = _ratio(squares[:, 2].sum(), ((seeds - 1) * (groups - 1)).sum())
    of_seeds = float(np.mean((squares[:, 0] / (seeds - 1) - rest) / groups))
    return of_seeds, (of_groups - rest) / least, rest


def _squares(scores: NDArray[np.float64]) -> list[float]:
    """Sums of squares of trainings, groups and what is left, of `[seeds, groups]`."""
    rows, columns, mean = scores.mean(axis=1, keepdims=True), scores.mean(axis=0, keepdims=True), scores.mean()
    parts = (rows - mean, columns - mean, scores - rows - columns + mean)
    return [float((np.broadcast_to(part, scores.shape) ** 2).sum()) for part in parts]


def _between(folds: list[NDArray[np.float64]], seeds: float, groups: float, rest: float) -> float:
    """Variance of fold means beyond what their groups and trainings bring."""
    if len(folds) < 2:
        return float("nan")
    expected = [
        max(seeds, 0) / len(scores) + max(groups, 0) / scores.shape[1] + max(rest, 0) / scores.size for scores in folds
    ]
    return float(np.var([scores.mean() for scores in folds], ddof=1) - np.mean(expected))


def _ratio(squares: float, freedom: float) -> float:
    return squares / freedom if freedom else float("nan")
