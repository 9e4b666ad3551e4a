import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from builders.random_effects import runs_of
from scipy import stats

from benchmark.statistics.resampling import bootstrap_p, hierarchical_means, resampled_means, trainings
from benchmark.statistics.scores import run_scores


def test_draws_over_groups_spread_as_scipys_bootstrap_does():
    values = np.random.default_rng(0).normal(0.8, 0.05, 40)
    drawn = resampled_means(values[:, None])[:, 0]
    theirs = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=1)
    assert drawn.std() == pytest.approx(theirs.standard_error, rel=0.03)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx(tuple(theirs.confidence_interval), abs=0.002)


def test_without_noise_of_folds_or_training_the_hierarchy_spreads_by_groups_alone_on_two_levels():
    groups = np.random.default_rng(0).normal(0, 0.05, (5, 1, 30))
    scores = np.broadcast_to(groups, (2, 5, 3, 30)).copy()
    scores -= scores.mean(axis=-1, keepdims=True)  # nothing differs between folds
    drawn = hierarchical_means(runs_of(scores))
    expected = np.sqrt(scores[0, :, 0].var(axis=-1).mean() / (5 * 30))
    assert drawn["a"].std() == pytest.approx(expected, rel=0.03)
    assert (drawn["a"] - drawn["b"]).abs().max() < 1e-12  # both were scored on the same groups


def test_noise_of_training_is_drawn_for_each_network_apart():
    noise = np.random.default_rng(1).normal(0, 0.01, (2, 5, 3, 1))
    scores = np.broadcast_to(noise, (2, 5, 3, 8)).copy()
    scores -= scores.mean(axis=2, keepdims=True)  # fold means are alike, trainings aren't
    drawn = hierarchical_means(runs_of(scores))
    expected = np.sqrt(scores[:, :, :, 0].var(axis=2).sum(axis=0).mean() / (3 * 5))
    assert (drawn["a"] - drawn["b"]).std() == pytest.approx(expected, rel=0.05)
    assert abs(drawn.corr().iloc[0, 1]) < 0.1


def test_folds_that_differ_are_drawn_too():
    scores = np.broadcast_to(np.arange(5.0)[None, :, None, None], (2, 5, 2, 4))
    assert hierarchical_means(runs_of(scores))["a"].std() == pytest.approx(np.arange(5.0).std() / np.sqrt(5), rel=0.03)


def test_the_networks_of_all_folds_are_trainings_where_each_scores_every_group():
    internal = run_scores(cases_of(subjects=6, folds=3))
    external = run_scores(pd.concat([cases_of(subjects=6, draw=fold).assign(fold=fold) for fold in range(3)]))
    assert trainings(internal) == 1 and trainings(external) == 3
    means = external.groupby("variant")["score"].mean()
    assert hierarchical_means(external).mean().to_dict() == pytest.approx(means.to_dict(), abs=2e-3)


def test_a_group_that_one_training_lacks_is_left_out():
    runs = run_scores(cases_of(subjects=8, folds=2, seeds=(0, 1)))
    assert hierarchical_means(runs[runs["variant"] != "unet3d"]).notna().all(axis=None)
    nothing = runs.assign(score=runs["score"].where(runs["variant"] != "unet3d"))
    assert hierarchical_means(nothing).isna().all(axis=None)


def test_a_bootstrap_p_is_twice_the_smaller_share_and_never_zero():
    differences = np.array([[-1.0, 1.0, np.nan], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    assert bootstrap_p(differences) == pytest.approx([2 * 2 / 5, 2 / 5, np.nan], nan_ok=True)
