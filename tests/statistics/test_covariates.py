import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from scipy import stats

from benchmark.statistics.covariates import UNKNOWN, Covariate, by_covariate, level_tests

SEX = Covariate("sex")


def halves(subjects: int = 12) -> dict[str, str]:
    return {f"s{index:03d}": "FM"[index % 2] for index in range(subjects)}


def per_subject(cases: pd.DataFrame, variant: str) -> pd.Series:
    return cases[cases["variant"] == variant].groupby("subject")["dice"].mean()


@pytest.mark.parametrize(
    ("text", "covariate"),
    [("sex", SEX), ("age:50", Covariate("age", (50,))), ("age:50,65.5", Covariate("age", (50, 65.5)))],
)
def test_a_covariate_is_a_name_or_a_name_with_cuts(text: str, covariate: Covariate):
    assert Covariate.parse(text) == covariate


@pytest.mark.parametrize("text", ["", ":5", "age:", "age:old", "age:65,50", "age:50,50"])
def test_what_is_neither_is_refused(text: str):
    with pytest.raises(ValueError, match="isn't understood: write sex, or age:50,65"):
        Covariate.parse(text)


def test_bands_hold_their_lower_bound_and_what_is_not_known_is_said():
    levels = Covariate("age", (50, 65)).levels({"a": "49.9", "b": "50", "c": "65", "d": "", "e": " 80 "})
    assert levels == {"a": "< 50", "b": "50 to < 65", "c": "≥ 65", "d": UNKNOWN, "e": "≥ 65"}
    with pytest.raises(ValueError, match=r"age can't be cut at \(50,\): 'old' is no number"):
        Covariate("age", (50,)).levels({"a": "old"})


def test_many_numbers_are_cut_at_their_terciles_and_few_stay_as_they_are():
    levels = Covariate("age").levels({str(age): str(age) for age in range(30, 90, 5)})
    counts = pd.Series(levels).value_counts()
    assert len(counts) == 3 and counts.min() >= 3
    assert set(Covariate("site").levels({"a": "1", "b": "2", "c": "1"}).values()) == {"1", "2"}
    assert Covariate("id").levels({str(k): f"x{k}" for k in range(9)})["3"] == "x3"


def test_means_are_over_the_subjects_of_a_level():
    cases = cases_of(subjects=12)
    table = by_covariate(cases, SEX, halves()).set_index(["variant", "level"])
    women = per_subject(cases, "unet3d").iloc[::2]
    assert table.loc[("unet3d", "F"), "n"] == 6
    assert table.loc[("unet3d", "F"), "mean"] == pytest.approx(women.mean())
    assert table.loc[("unet3d", "F"), "std"] == pytest.approx(women.std())


def test_scans_of_one_person_in_one_level_count_once():
    cases = cases_of(subjects=12)
    pairs = cases["subject"].str[1:].astype(int) // 4
    table = by_covariate(cases.assign(group=pairs.astype(str)), SEX, halves())
    assert set(table["n"]) == {3}


def test_two_levels_are_compared_by_mann_whitney_and_more_by_kruskal_wallis():
    cases = cases_of(subjects=12)
    thirds = {subject: "abc"[index % 3] for index, subject in enumerate(halves())}
    tests = level_tests(cases, {SEX: halves(), Covariate("site"): thirds}).set_index(["covariate", "variant"])
    scores = per_subject(cases, "unet3d").to_numpy()
    two, three = tests.loc[("sex", "unet3d")], tests.loc[("site", "unet3d")]
    assert (two["test"], two["levels"], two["n"]) == ("Mann-Whitney", 2, 12)
    assert two["p"] == pytest.approx(stats.mannwhitneyu(scores[::2], scores[1::2]).pvalue)
    assert (three["test"], three["levels"]) == ("Kruskal-Wallis", 3)
    assert three["p"] == pytest.approx(stats.kruskal(*(scores[start::3] for start in range(3))).pvalue)
    assert (tests["p_holm"] >= tests["p"]).all() and tests["p_holm"].max() <= 1


def test_levels_of_one_subject_and_unknown_ones_are_told_and_not_tested():
    levels = {**halves(5), "s003": UNKNOWN, "s001": "X"}
    cases = cases_of(subjects=5)
    tests = level_tests(cases, {SEX: levels})
    assert tests["p"].isna().all() and set(tests["levels"]) == {1}
    assert set(by_covariate(cases, SEX, levels)["level"]) == {"F", "X", UNKNOWN}
    assert by_covariate(cases, SEX, levels)["level"].iloc[-1] == UNKNOWN


def test_equal_scores_do_not_differ():
    cases = cases_of(subjects=12).assign(dice=0.5)
    assert np.array_equal(level_tests(cases, {SEX: halves()})["p"], [1.0, 1.0])
