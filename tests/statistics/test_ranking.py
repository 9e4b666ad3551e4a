import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from scipy import stats

from benchmark.statistics import ranking, resampling, significance
from benchmark.statistics.scores import run_scores

RANDOM = np.random.default_rng(0)
SCORES = pd.DataFrame(RANDOM.normal([0.80, 0.79, 0.70], 0.02, (20, 3)), columns=["a", "b", "c"])


def test_rank_one_is_the_highest_dice_and_the_lowest_distance():
    scores = pd.DataFrame({"a": [0.9], "b": [0.5], "c": [0.5]})
    assert ranking.ranks(scores).iloc[0].tolist() == [1, 2.5, 2.5]
    assert ranking.ranks(scores, lower_is_better=True).iloc[0].tolist() == [3, 1.5, 1.5]


def test_kendalls_w_is_one_for_the_same_ranking_and_zero_for_opposite_ones():
    same = pd.DataFrame([[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    assert ranking.kendall_w(same) == 1
    assert ranking.kendall_w(pd.DataFrame([[1, 2, 3], [3, 2, 1]])) == 0
    assert np.isnan(ranking.kendall_w(same.iloc[:1]))


def test_kendalls_w_follows_from_friedmans_statistic_with_ties_as_well():
    table = pd.DataFrame([[1, 2.5, 2.5, 4], [2, 1, 3, 4], [1, 2, 3.5, 3.5]])
    chi2 = stats.friedmanchisquare(*table.to_numpy().T).statistic
    assert ranking.kendall_w(table) == pytest.approx(chi2 / (3 * (4 - 1)))


def test_ranks_are_told_for_every_fold_and_seed():
    cases = cases_of(subjects=6, folds=2, seeds=(0, 1), skill={"cross_fusion": 0.9, "unet3d": 0.6})
    table = ranking.replicate_ranks(run_scores(cases))
    assert table.index.tolist() == ["fold 0, seed 0", "fold 0, seed 1", "fold 1, seed 0", "fold 1, seed 1"]
    assert (table["cross_fusion"] == 1).all()


def test_mean_tau_is_kendalls_over_all_pairs_of_replicates():
    table = pd.DataFrame([[1, 2, 3], [1, 2, 3], [3, 2, 1]])
    assert ranking.mean_tau(table) == pytest.approx((1 - 1 - 1) / 3)


def independent_draws(scores: pd.DataFrame, draws: int = 4000) -> np.ndarray:
    """Means of the same scores, drawn by another generator one draw at a time."""
    generator = np.random.default_rng(99)
    chosen = generator.integers(0, len(scores), (draws, len(scores)))
    return np.array([scores.to_numpy()[rows].mean(axis=0) for rows in chosen])


def test_ranks_in_draws_are_those_that_scipy_gives_independent_draws():
    close = SCORES.assign(b=SCORES["a"] + RANDOM.normal(0, 0.02, 20))
    drawn = pd.DataFrame(resampling.resampled_means(close.to_numpy()), columns=close.columns)
    theirs = stats.rankdata(-independent_draws(close), method="min", axis=1)
    shares = ranking.rank_shares(drawn).set_index(["variant", "rank"])["share"]
    for place, variant in enumerate(close):
        for rank in (1, 2, 3):
            assert shares.get((variant, rank), 0) == pytest.approx((theirs[:, place] == rank).mean(), abs=0.03)
    stability = ranking.rank_stability(drawn, close.mean()).set_index("variant")
    assert stability["first"].tolist() == pytest.approx(list((theirs == 1).mean(axis=0)), abs=0.03)
    assert stability["median"].tolist() == list(np.median(theirs, axis=0))
    assert stability["low"].tolist() == list(np.quantile(theirs, 0.025, axis=0))


def test_the_smallest_distance_comes_first():
    draws = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 1.0]})
    table = ranking.rank_stability(draws, draws.mean(), lower_is_better=True).set_index("variant")
    assert table["first"].to_dict() == {"a": 0.5, "b": 0.5}
    assert table["rank"].to_dict() == {"a": 1, "b": 2}


def test_methods_rank_by_mean_median_mean_rank_and_tests_won():
    scores = pd.DataFrame({"steady": [0.8] * 12, "brilliant": [0.81] * 9 + [0.2] * 3, "poor": [0.1] * 12})
    table = ranking.ranks_by_method(scores, significance.paired_tests(scores)).pivot_table("rank", "variant", "method")
    assert table.loc["steady", ["mean", "median", "mean rank"]].tolist() == [1, 2, 2]
    assert table.loc["brilliant", ["mean", "median", "mean rank"]].tolist() == [2, 1, 1]
    assert table["tests won"].to_dict() == {"steady": 1, "brilliant": 1, "poor": 3}


def test_tests_are_won_downwards_in_distances():
    tests = pd.DataFrame({"first": ["a"], "second": ["b"], "difference": [-2.0], "p_holm": [0.01]})
    assert ranking.tests_won(tests, ["a", "b"], lower_is_better=True).to_dict() == {"a": 1, "b": 0}
    assert ranking.tests_won(tests, ["a", "b"]).to_dict() == {"a": 0, "b": 1}
