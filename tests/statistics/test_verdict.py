import numpy as np
import pytest
from builders.cases import cases_of
from scipy import stats

from benchmark.statistics.comparison import compare
from benchmark.statistics.significance_map import significance_map
from benchmark.statistics.verdict import Basis, Verdict, judge, of_leader, sentences

NETWORKS = ("vnet", "cross_fusion", "unet3d")
NAMES = {name: name.upper() for name in NETWORKS}
HEADINGS = {"dice": "Dice", "hausdorff_mm": "HD (mm)"}


def verdict_of(subjects: int = 12, seeds: tuple[int, ...] = (0,), skill: dict[str, float] | None = None) -> Verdict:
    cases = cases_of(subjects, NETWORKS, folds=3, seeds=seeds, skill=skill)
    comparisons = {metric: compare(cases, metric) for metric in HEADINGS}
    basis = Basis(subjects, "subjects", 3, len(seeds), comparisons["dice"].trainings)
    return judge(comparisons, basis)


def told(verdict: Verdict) -> str:
    return " ".join(sentences(verdict, NAMES, HEADINGS).values())


def test_a_clear_leader_is_told_apart_from_all_others():
    verdict = verdict_of(skill={"cross_fusion": 0.95, "vnet": 0.6, "unet3d": 0.7})
    assert (verdict.leader, verdict.second, verdict.tied, verdict.decided) == ("cross_fusion", "unet3d", (), True)
    assert verdict.difference.low > 0 and verdict.p < 0.05 and verdict.first == 1
    assert "CROSS_FUSION has the best mean Dice" in told(verdict)
    assert "It can be told apart from every other one" in told(verdict)


def test_leaders_that_no_test_tells_apart_are_tied():
    verdict = verdict_of(skill={"cross_fusion": 0.8, "vnet": 0.8, "unet3d": 0.4})
    assert len(verdict.tied) == 1 and "unet3d" not in verdict.tied
    assert f"It can't be told apart from {verdict.tied[0].upper()}" in told(verdict)


def test_too_few_subjects_are_said_with_the_smallest_p_that_they_allow():
    verdict = verdict_of(subjects=5, skill={"cross_fusion": 0.95})
    assert verdict.floor == pytest.approx(3 * stats.wilcoxon(np.arange(1, 6)).pvalue)
    assert "with 5 subjects and 3 networks a corrected p is at least 0.19" in told(verdict)


def test_with_one_seed_all_is_said_of_these_trained_networks():
    text = told(verdict_of())
    assert "of these trained networks: with one seed nobody can tell" in text
    assert text.count("these trained networks") == 2 and "of the methods" not in text
    several = told(verdict_of(seeds=(0, 1)))
    assert "over 12 subjects, 3 folds and 2 seeds" in several
    assert "of the methods" in several and "these trained networks" not in several


def test_metrics_and_methods_that_name_another_leader_are_told():
    cases = cases_of(12, NETWORKS, folds=3, skill={"cross_fusion": 0.9})
    best = cases["variant"] == "vnet"
    turned = cases.assign(hausdorff_mm=cases["hausdorff_mm"].where(~best, 0.1))
    comparisons = {metric: compare(turned, metric) for metric in HEADINGS}
    verdict = judge(comparisons, Basis(12, "subjects", 3, 1, 1))
    assert verdict.elsewhere == {"hausdorff_mm": "vnet"}
    assert "Other readings disagree: VNET leads in HD (mm)." in told(verdict)


def test_below_two_networks_nobody_leads():
    comparisons = {"dice": compare(cases_of(6, ("vnet",)), "dice")}
    assert told(judge(comparisons, Basis(6, "subjects", 2, 1, 1))).startswith("Fewer than two networks")


def test_differences_from_the_leader_are_scipys_and_turned_towards_it():
    cases = cases_of(12, NETWORKS, skill={"cross_fusion": 0.9, "vnet": 0.7})
    comparison = compare(cases, "dice")
    against = of_leader(comparison, "cross_fusion")
    for other in ("vnet", "unet3d"):
        change = comparison.scores["cross_fusion"] - comparison.scores[other]
        assert against.loc[other, "difference"] == pytest.approx(change.mean())
        assert against.loc[other, "p_wilcoxon"] == pytest.approx(stats.wilcoxon(change).pvalue)
        assert against.loc[other, "low"] < change.mean() < against.loc[other, "high"]


def test_the_map_of_pairs_holds_scipys_tests_with_holms_correction_by_hand():
    comparison = compare(cases_of(12, NETWORKS, skill={"cross_fusion": 0.82, "vnet": 0.78}), "dice")
    made = significance_map(comparison)
    assert made.variants[0] == comparison.scores.mean().idxmax()
    pairs = [(row, column) for row in range(3) for column in range(row + 1, 3)]
    changes = [comparison.scores[made.variants[one]] - comparison.scores[made.variants[two]] for one, two in pairs]
    raw = np.array([stats.wilcoxon(change).pvalue for change in changes])
    order = np.argsort(raw)
    corrected = np.empty(3)
    corrected[order] = np.maximum.accumulate(np.minimum(1, raw[order] * [3, 2, 1]))
    for (row, column), change, p in zip(pairs, changes, corrected, strict=True):
        assert made.differences[row, column] == pytest.approx(change.mean()) == -made.differences[column, row]
        assert made.p[row, column] == made.p[column, row] == pytest.approx(p)
    assert np.isnan(np.diag(made.p)).all()
