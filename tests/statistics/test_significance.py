import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from scipy import stats

from benchmark.statistics import significance

RANDOM = np.random.default_rng(0)
SCORES = pd.DataFrame(RANDOM.normal([0.80, 0.79, 0.70], 0.02, (20, 3)), columns=["a", "b", "c"])


def test_subject_scores_average_structures_and_leave_out_absent_ones():
    cases = cases_of(subjects=2, structures=2)
    cases.loc[cases["label"] == 2, ["status", "dice"]] = ["absent", np.nan]
    expected = cases[(cases["label"] == 1) & (cases["subject"] == "s001") & (cases["variant"] == "unet3d")][
        "dice"
    ].item()
    assert significance.subject_scores(cases).loc["s001", "unet3d"] == expected


def test_scans_of_one_person_count_as_one():
    cases = cases_of(subjects=6)
    person = cases["subject"].map({"s000": "a", "s001": "a", "s002": "a", "s003": "b", "s004": "b"})  # s005 has none
    scores, of_groups = (significance.subject_scores(one) for one in (cases, cases.assign(group=person)))
    assert list(of_groups.index) == ["a", "b", "s005"]
    assert of_groups.loc["a"].tolist() == pytest.approx(scores.loc[["s000", "s001", "s002"]].mean().tolist())
    assert significance.paired_tests(of_groups)["n"].tolist() == [3]


def test_cases_from_before_there_were_groups_count_beside_those_with():
    cases = cases_of(subjects=4)
    old = cases["variant"] == "unet3d"
    mixed = cases.assign(group=cases["subject"].map({f"s00{k}": "ab"[k // 2] for k in range(4)}).mask(old))
    assert significance.paired_tests(significance.subject_scores(mixed))["n"].tolist() == [2]


def test_paired_tests_are_scipys_over_subjects_with_holm_by_hand():
    table = significance.paired_tests(SCORES).set_index(["first", "second"])
    raw = [stats.wilcoxon(SCORES[x], SCORES[y]).pvalue for x, y in (("a", "b"), ("a", "c"), ("b", "c"))]
    np.testing.assert_allclose(table["p"], raw)
    low, middle, high = np.sort(raw)
    by_hand = np.maximum.accumulate(np.minimum(1, [3 * low, 2 * middle, high]))
    np.testing.assert_allclose(np.sort(table["p_holm"]), by_hand)


def test_identical_scores_give_p_one_and_leave_the_other_pairs_alone():
    table = significance.paired_tests(SCORES.assign(b=SCORES["a"])).set_index(["first", "second"])
    assert table.loc[("a", "b"), ["p", "p_holm"]].tolist() == [1.0, 1.0]
    assert table.loc[("a", "c"), "p_holm"] < 0.01


def test_a_subject_without_a_score_is_left_out_of_its_pairs_only():
    scores = SCORES.copy()
    scores.loc[0, "c"] = np.nan
    assert significance.paired_tests(scores)["n"].tolist() == [20, 19, 19]


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


def test_rank_one_is_the_highest_dice_and_the_lowest_distance():
    scores = pd.DataFrame({"a": [0.9], "b": [0.5], "c": [0.5]})
    assert significance.ranks(scores).iloc[0].tolist() == [1, 2.5, 2.5]
    assert significance.ranks(scores, lower_is_better=True).iloc[0].tolist() == [3, 1.5, 1.5]


def test_critical_differences_are_those_of_demsar():
    # Demsar (2006), table 5: q 0.05 is 2.569 for 4 classifiers; his example over 14 data sets gives 1.25.
    assert significance.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert significance.critical_difference(9, 30) == pytest.approx(3.102 * np.sqrt(90 / 180), abs=0.002)


def test_friedmans_test_survives_too_few_and_equal_scores():
    assert np.isnan(significance.friedman_p(SCORES[["a", "b"]]))
    assert significance.friedman_p(SCORES.assign(b=SCORES["a"], c=SCORES["a"])) == 1.0
    assert significance.friedman_p(SCORES) == stats.friedmanchisquare(*SCORES.to_numpy().T).pvalue


def test_kendalls_w_is_one_for_the_same_ranking_and_zero_for_opposite_ones():
    same = pd.DataFrame([[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    assert significance.kendall_w(same) == 1
    assert significance.kendall_w(pd.DataFrame([[1, 2, 3], [3, 2, 1]])) == 0
    assert np.isnan(significance.kendall_w(same.iloc[:1]))


def test_kendalls_w_follows_from_friedmans_statistic_with_ties_as_well():
    table = pd.DataFrame([[1, 2.5, 2.5, 4], [2, 1, 3, 4], [1, 2, 3.5, 3.5]])
    chi2 = stats.friedmanchisquare(*table.to_numpy().T).statistic
    assert significance.kendall_w(table) == pytest.approx(chi2 / (3 * (4 - 1)))


def test_ranks_are_told_for_every_fold_and_seed():
    cases = cases_of(subjects=6, folds=2, seeds=(0, 1), skill={"cross_fusion": 0.9, "unet3d": 0.6})
    table = significance.replicate_ranks(cases)
    assert table.index.tolist() == ["fold 0, seed 0", "fold 0, seed 1", "fold 1, seed 0", "fold 1, seed 1"]
    assert (table["cross_fusion"] == 1).all()


def test_mean_tau_is_kendalls_over_all_pairs_of_replicates():
    table = pd.DataFrame([[1, 2, 3], [1, 2, 3], [3, 2, 1]])
    assert significance.mean_tau(table) == pytest.approx((1 - 1 - 1) / 3)
