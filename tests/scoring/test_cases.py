import numpy as np
import pandas as pd
import pytest
from builders.label_pairs import cube, protocol

from benchmark.scoring.cases import pooled, score_case, summarise
from benchmark.scoring.columns import SCORES

SPACING = (1.0, 2.0, 0.5)


def score(truth, prediction, **settings):
    return score_case(truth, prediction, SPACING, protocol(), **settings)


def cell(cases, structure, column):
    return cases.set_index("structure").loc[structure, column]


def average(table, metric, **group):
    row = table[table["metric"] == metric]
    for name, value in group.items():
        row = row[row[name] == value]
    return row.squeeze()


@pytest.fixture
def both():
    """Structure 1 present, 2 missed, 3 spurious, 4 absent."""
    truth = cube((1, 1, 1)) + cube((5, 5, 5), label=2)
    prediction = cube((2, 1, 1)) + cube((8, 8, 8), label=3)
    return truth, prediction


def test_one_row_per_structure_without_background(both):
    cases = score(*both)
    assert cases["structure"].tolist() == ["1", "2", "3", "4"]
    assert cases["label"].tolist() == [10, 20, 30, 40]
    assert tuple(cases.columns) == ("structure", "label", *SCORES)


def test_every_row_of_the_policy_appears(both):
    assert score(*both)["status"].tolist() == ["present", "missed", "spurious", "absent"]


def test_a_present_structure_is_measured(both):
    cases = score(*both)
    measured = {"tp": 18, "fp": 9, "fn": 9, "dice": 2 / 3, "jaccard": 0.5, "hausdorff_mm": 1.0, "truth_ml": 0.027}
    assert {name: cell(cases, "1", name) for name in measured} == pytest.approx(measured)


@pytest.mark.parametrize("structure", ["2", "3"])
def test_missed_and_spurious_structures_pay(both, structure):
    cases = score(*both)
    for name in ("dice", "jaccard", "sensitivity", "precision", "volume_similarity", "surface_dice_1mm"):
        assert cell(cases, structure, name) == 0
    diagonal = np.linalg.norm(np.multiply(12, SPACING))
    assert cell(cases, structure, "hausdorff_mm") == cell(cases, structure, "assd_mm") == pytest.approx(diagonal)


def test_distances_of_missed_and_spurious_structures_can_be_excluded(both):
    summary = summarise(score(*both, absent="exclude").assign(subject="a"))
    hausdorff = average(summary, "hausdorff_mm")
    assert hausdorff[["mean", "cells", "missed", "spurious"]].tolist() == [1.0, 1, 1, 1]
    assert average(summary, "dice")["cells"] == 3


def test_left_right_confusion_is_the_share_on_the_mirror_structure():
    truth = cube((1, 1, 1)) + cube((7, 1, 1), label=2)
    prediction = np.where(truth == 2, 1, truth).astype(np.uint8)
    cases = score(truth, prediction)
    assert cell(cases, "1", "left_right_confusion") == 0.5
    assert np.isnan(cell(cases, "2", "left_right_confusion"))


def test_missing_a_structure_never_improves_an_average(both):
    truth, prediction = both
    poor = np.where(truth == 2, np.roll(truth, 2, axis=0), prediction).astype(np.uint8)
    found, missed = (summarise(score(truth, p).assign(subject="a")) for p in (poor, prediction))
    for metric in ("dice", "precision", "surface_dice_2mm"):
        assert average(missed, metric)["mean"] <= average(found, metric)["mean"]
    for metric in ("hausdorff_mm", "hausdorff95_mm", "assd_mm"):
        assert average(missed, metric)["mean"] >= average(found, metric)["mean"]


def test_the_mean_is_over_structures_then_over_subjects(both):
    truth, prediction = both
    cases = pd.concat([score(truth, prediction).assign(subject="a"), score(truth, truth).assign(subject="b")])
    dice = average(summarise(cases), "dice")
    of_subjects = [(2 / 3 + 0 + 0) / 3, 1.0]  # not (2/3 + 0 + 0 + 1 + 1) / 5
    assert dice["mean"] == pytest.approx(np.mean(of_subjects))
    assert dice["std"] == pytest.approx(np.std(of_subjects, ddof=1))
    assert dice[["n", "cells", "missed", "spurious"]].tolist() == [2, 5, 1, 1]


def test_missed_and_spurious_cells_are_counted_apart(both):
    truth, _ = both
    nothing = np.zeros_like(truth)
    assert average(summarise(score(truth, nothing).assign(subject="a")), "dice")[["missed", "spurious"]].tolist() == [
        2,
        0,
    ]
    assert average(summarise(score(nothing, truth).assign(subject="a")), "dice")[["missed", "spurious"]].tolist() == [
        0,
        2,
    ]


def test_pooling_sums_the_counts_of_a_structure_first(both):
    truth, prediction = both
    cases = pd.concat([score(truth, prediction).assign(subject="a"), score(truth, truth).assign(subject="b")])
    dice = average(pooled(cases), "dice")
    of_structures = [2 * 45 / (2 * 45 + 18), 2 * 27 / (2 * 27 + 27), 0.0]
    assert dice["mean"] == pytest.approx(np.mean(of_structures))
    assert dice[["n", "cells", "missed", "spurious"]].tolist() == [3, 5, 1, 1]


def test_two_empty_maps_have_no_averages():
    nothing = np.zeros((4, 4, 4), np.uint8)
    cases = score(nothing, nothing).assign(subject="a")
    assert summarise(cases).empty
    assert pooled(cases).empty


def test_groups_are_averaged_apart(both):
    truth, prediction = both
    cases = pd.concat(
        [score(truth, p).assign(subject="a", network=name) for name, p in (("good", truth), ("bad", prediction))]
    )
    summary = summarise(cases, by=["network"])
    assert average(summary, "dice", network="good")["mean"] == 1
    assert average(summary, "dice", network="bad")["mean"] == pytest.approx(2 / 9)
    assert average(pooled(cases, by=["network"]), "dice", network="good")["mean"] == 1


def test_a_structures_average_is_one_more_group(both):
    cases = score(*both).assign(subject="a")
    summary = summarise(cases, by=["structure"])
    assert average(summary, "dice", structure="1")["mean"] == pytest.approx(2 / 3)
    assert set(summary["structure"]) == {"1", "2", "3"}
    assert average(pooled(cases, by=["structure"]), "jaccard", structure="1")["mean"] == pytest.approx(0.5)


def test_cases_survive_a_csv(both, tmp_path):
    cases = score(*both).assign(subject="a")
    cases.to_csv(tmp_path / "cases.csv", index=False)
    pd.testing.assert_frame_equal(summarise(pd.read_csv(tmp_path / "cases.csv")), summarise(cases))


def test_every_distance_is_averaged_over_found_structures_beside_all_of_them(both):
    summary = summarise(score(*both).assign(subject="a"))
    diagonal = np.linalg.norm(np.multiply(12, SPACING))
    assert average(summary, "hausdorff_mm")[["mean", "cells"]].tolist() == [pytest.approx((1 + 2 * diagonal) / 3), 3]
    assert average(summary, "hausdorff_found_mm")[["mean", "cells", "missed", "spurious"]].tolist() == [1.0, 1, 1, 1]
