import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.statistics import significance

RANDOM = np.random.default_rng(0)
SCORES = pd.DataFrame(RANDOM.normal([0.80, 0.79, 0.70], 0.02, (20, 3)), columns=["a", "b", "c"])


def test_paired_tests_are_scipys_over_subjects_with_holm_by_hand():
    table = significance.paired_tests(SCORES).set_index(["first", "second"])
    raw = [stats.wilcoxon(SCORES[x], SCORES[y]).pvalue for x, y in (("a", "b"), ("a", "c"), ("b", "c"))]
    np.testing.assert_allclose(table["p"], raw)
    low, middle, high = np.sort(raw)
    by_hand = np.maximum.accumulate(np.minimum(1, [3 * low, 2 * middle, high]))
    np.testing.assert_allclose(np.sort(table["p_holm"]), by_hand)


def test_holms_correction_is_that_of_statsmodels_and_leaves_out_what_was_not_tested():
    p = RANDOM.uniform(0, 0.1, 30)
    np.testing.assert_allclose(significance.holm(p), multipletests(p, method="holm")[1])
    with_gaps = np.insert(p, [3, 17], np.nan)
    np.testing.assert_allclose(np.delete(significance.holm(with_gaps), [3, 18]), significance.holm(p))
    assert np.isnan(significance.holm(with_gaps)[[3, 18]]).all()


def test_identical_scores_give_p_one_and_leave_the_other_pairs_alone():
    table = significance.paired_tests(SCORES.assign(b=SCORES["a"])).set_index(["first", "second"])
    assert table.loc[("a", "b"), ["p", "p_holm"]].tolist() == [1.0, 1.0]
    assert table.loc[("a", "c"), "p_holm"] < 0.01


def test_a_subject_without_a_score_is_left_out_of_its_pairs_only():
    scores = SCORES.copy()
    scores.loc[0, "c"] = np.nan
    table = significance.paired_tests(scores)
    assert table["n"].tolist() == [20, 19, 19]
    for scored, row in ((SCORES, 0), (SCORES.drop(index=0), 1), (SCORES.drop(index=0), 2)):
        alone = significance.paired_tests(scored[table.loc[row, ["first", "second"]]])
        np.testing.assert_allclose(
            table.loc[row, ["low", "high"]].astype(float), alone.loc[0, ["low", "high"]].astype(float)
        )


def test_pairs_without_a_common_subject_have_no_p_and_cost_nothing_in_holms_correction():
    table = significance.paired_tests(SCORES.assign(c=np.nan)).set_index(["first", "second"])
    assert np.isnan(table.loc[("a", "c"), "p_holm"])
    assert table.loc[("a", "b"), "p_holm"] == table.loc[("a", "b"), "p"]


@pytest.mark.parametrize("subjects", [3, 5, 8])
def test_the_smallest_p_is_that_of_differences_all_of_one_sign(subjects: int):
    assert significance.smallest_p(subjects) == pytest.approx(stats.wilcoxon(np.arange(1, subjects + 1)).pvalue)


def test_bootstrap_intervals_are_near_the_normal_ones_and_repeat():
    table = significance.intervals(SCORES).set_index("variant")
    margin = 1.96 * SCORES["a"].std(ddof=0) / np.sqrt(len(SCORES))
    assert table.loc["a", "low"] == pytest.approx(SCORES["a"].mean() - margin, abs=0.1 * margin)
    assert table.loc["a", "high"] == pytest.approx(SCORES["a"].mean() + margin, abs=0.1 * margin)
    pd.testing.assert_frame_equal(table, significance.intervals(SCORES).set_index("variant"))


def test_critical_differences_are_those_of_demsar():
    # Demsar (2006), table 5: q 0.05 is 2.569 for 4 classifiers; his example over 14 data sets gives 1.25.
    assert significance.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert significance.critical_difference(9, 30) == pytest.approx(3.102 * np.sqrt(90 / 180), abs=0.002)


def test_friedmans_test_survives_too_few_and_equal_scores():
    assert np.isnan(significance.friedman_p(SCORES[["a", "b"]]))
    assert significance.friedman_p(SCORES.assign(b=SCORES["a"], c=SCORES["a"])) == 1.0
    assert significance.friedman_p(SCORES) == stats.friedmanchisquare(*SCORES.to_numpy().T).pvalue
