"""Scores of trainings with known noise of seeds, folds and groups, without a case."""

import numpy as np
import pandas as pd


def runs_of(scores: np.ndarray) -> pd.DataFrame:
    """Scores `[variants, folds, seeds, groups]` as `run_scores` gives them; every group in one fold."""
    rows = [
        ("ab"[variant], fold, seed, f"g{fold}-{group}", scores[variant, fold, seed, group])
        for variant, fold, seed, group in np.ndindex(scores.shape)
    ]
    return pd.DataFrame(rows, columns=["variant", "fold", "seed", "group", "score"])
