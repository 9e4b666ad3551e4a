import numpy as np
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from benchmark.statistics.agreement import Interval, bland_altman, icc_2_1, pearson

# Bland & Altman 1986, table 1: peak expiratory flow in l/min, first readings of 17 subjects.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI_WRIGHT = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

# Shrout & Fleiss 1979, table 2: six targets, four judges.
RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def ends(interval):
    return interval.low, interval.high


def test_bland_altman_gives_the_published_bias_of_the_flow_meters():
    agreement = bland_altman(WRIGHT, MINI_WRIGHT)
    assert agreement.n == 17
    assert (agreement.bias.value, agreement.sd) == pytest.approx((-2.1, 38.8), abs=0.05)
    assert ends(agreement.bias) == pytest.approx((-22.0, 17.8), abs=0.1)


def test_bland_altman_gives_the_published_limits_of_the_flow_meters():
    agreement = bland_altman(WRIGHT, MINI_WRIGHT)
    narrower = (2 - 1.96) * 38.8  # they took 2 for 1.96
    expected = (-79.7 + narrower, 75.5 - narrower)
    assert (agreement.lower_limit.value, agreement.upper_limit.value) == pytest.approx(expected, abs=0.1)
    assert ends(agreement.lower_limit) == pytest.approx((-114.3, -45.1), abs=2)
    assert ends(agreement.upper_limit) == pytest.approx((40.9, 110.1), abs=2)


def test_confidence_of_the_bias_is_that_of_a_paired_t_test():
    expected = stats.ttest_rel(WRIGHT, MINI_WRIGHT).confidence_interval(0.9)
    assert ends(bland_altman(WRIGHT, MINI_WRIGHT, confidence=0.9).bias) == pytest.approx(tuple(expected))


def test_pearson_equals_the_published_correlation():
    assert pearson(WRIGHT, MINI_WRIGHT).value == pytest.approx(0.943, abs=5e-4)


def test_pearson_and_its_confidence_equal_scipys():
    expected = stats.pearsonr(WRIGHT, MINI_WRIGHT)
    found = pearson(WRIGHT, MINI_WRIGHT, confidence=0.9)
    assert found.value == pytest.approx(expected.statistic)
    assert ends(found) == pytest.approx(tuple(expected.confidence_interval(0.9)))


def test_pearson_of_a_line_is_one():
    assert pearson([1, 2, 3, 4], [2, 4, 6, 8]).value == pytest.approx(1)


def test_pearson_of_a_constant_is_undefined():
    assert np.isnan(pearson([1, 2, 3], [5, 5, 5]).value)


def test_icc_is_that_of_shrout_and_fleiss():
    assert icc_2_1(RATINGS).value == pytest.approx(0.29, abs=5e-3)


def test_icc_has_the_confidence_of_mcgraw_and_wong():
    assert ends(icc_2_1(RATINGS)) == pytest.approx((0.019, 0.761), abs=1e-3)  # as R's psych::ICC prints it


def test_icc_follows_from_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    ratings = rng.normal(size=(12, 1)) + rng.normal(size=(1, 3)) + 0.5 * rng.normal(size=(12, 3))
    targets, raters = np.indices(ratings.shape)
    data = {"score": ratings.ravel(), "target": targets.ravel(), "rater": raters.ravel()}
    between, judges, residual = anova_lm(ols("score ~ C(target) + C(rater)", data).fit())["mean_sq"]
    expected = (between - residual) / (between + 2 * residual + 3 * (judges - residual) / 12)
    assert icc_2_1(ratings).value == pytest.approx(expected)


def test_icc_of_identical_raters_is_one():
    assert icc_2_1([[1, 1], [2, 2], [5, 5]]).value == 1


def test_icc_unlike_pearson_punishes_a_bias():
    first = np.arange(6.0)
    assert pearson(first, first + 3).value == pytest.approx(1)
    assert icc_2_1(np.column_stack([first, first + 3])).value < 0.6


def test_pairs_with_a_missing_side_are_left_out():
    with_gap = bland_altman([*WRIGHT, np.nan, 300], [*MINI_WRIGHT, 400, np.nan])
    assert with_gap == bland_altman(WRIGHT, MINI_WRIGHT)
    assert icc_2_1([*RATINGS, [1, 2, np.nan, 4]]) == icc_2_1(RATINGS)


@pytest.mark.parametrize("agreement", [bland_altman, pearson])
def test_too_few_pairs_are_refused(agreement):
    with pytest.raises(ValueError, match="at least 2 pairs of finite values, got 1"):
        agreement([1, np.nan], [2, 3])


def test_lists_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="two lists of one length"):
        bland_altman([1, 2, 3], [1, 2])


def test_icc_of_one_rater_is_refused():
    with pytest.raises(ValueError, match="at least two targets and two raters"):
        icc_2_1([[1], [2]])


def test_an_icc_that_rounds_to_one_has_an_interval_of_one():
    truth = np.linspace(1e6, 2e6, 12)
    near = truth + np.array([1e-4, -1e-4] * 6)
    assert icc_2_1(np.stack([truth, near], axis=1)) == pytest.approx(Interval(1.0, 1.0, 1.0))
