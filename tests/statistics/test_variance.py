import numpy as np
import pytest
from builders.random_effects import runs_of

from benchmark.statistics.variance import variance_components

SDS = {"sd_seeds": 0.003, "sd_folds": 0.005, "sd_groups": 0.02, "sd_rest": 0.004}


def drawn(folds: int, seeds: int, groups: int, draw: int = 0) -> np.ndarray:
    noise = np.random.default_rng(draw)
    shapes = ((1, folds, seeds, 1), (1, folds, 1, 1), (1, folds, 1, groups), (1, folds, seeds, groups))
    parts = [noise.normal(0, sd, shape) for sd, shape in zip(SDS.values(), shapes, strict=True)]
    return 0.8 + sum(np.broadcast_to(part, shapes[-1]) for part in parts)


def test_the_parts_of_which_scores_were_made_are_found_again():
    found = variance_components(runs_of(drawn(folds=60, seeds=8, groups=20))).iloc[0]
    assert found[["folds", "seeds", "groups"]].tolist() == [60, 8, 1200]
    assert found[list(SDS)].tolist() == pytest.approx(list(SDS.values()), rel=0.2)


def test_they_are_those_of_the_balanced_analysis_of_variance():
    scores = drawn(folds=1, seeds=3, groups=4)[0, 0]
    rest = scores - scores.mean(0) - scores.mean(1, keepdims=True) + scores.mean()
    of_rest = (rest**2).sum() / 6
    of_seeds = (4 * scores.mean(1).var(ddof=1) - of_rest) / 4
    found = variance_components(runs_of(scores[None, None])).iloc[0]
    assert found["sd_rest"] == pytest.approx(np.sqrt(of_rest))
    assert found["sd_seeds"] == pytest.approx(np.sqrt(max(0, of_seeds)))
    assert np.isnan(found["sd_folds"])


def test_with_one_seed_its_noise_is_unknown_and_counted_with_that_of_folds():
    found = variance_components(runs_of(drawn(folds=400, seeds=1, groups=20))).iloc[0]
    assert np.isnan(found["sd_seeds"]) and np.isnan(found["sd_rest"])
    assert found["sd_folds"] == pytest.approx(np.hypot(SDS["sd_seeds"], SDS["sd_folds"]), rel=0.15)
