import numpy as np
import pytest
from builders.cases import cases_of

from benchmark.statistics import scores, significance


def test_scores_average_structures_and_leave_out_absent_ones():
    cases = cases_of(subjects=2, structures=2)
    cases.loc[cases["label"] == 2, ["status", "dice"]] = ["absent", np.nan]
    expected = cases[(cases["label"] == 1) & (cases["subject"] == "s001") & (cases["variant"] == "unet3d")][
        "dice"
    ].item()
    assert scores.group_scores(cases).loc["s001", "unet3d"] == expected


def test_scans_of_one_person_count_as_one():
    cases = cases_of(subjects=6)
    person = cases["subject"].map({"s000": "a", "s001": "a", "s002": "a", "s003": "b", "s004": "b"})  # s005 has none
    alone, of_groups = (scores.group_scores(one) for one in (cases, cases.assign(group=person)))
    assert list(of_groups.index) == ["a", "b", "s005"]
    assert of_groups.loc["a"].tolist() == pytest.approx(alone.loc[["s000", "s001", "s002"]].mean().tolist())
    assert significance.paired_tests(of_groups)["n"].tolist() == [3]


def test_cases_from_before_there_were_groups_count_beside_those_with():
    cases = cases_of(subjects=4)
    old = cases["variant"] == "unet3d"
    mixed = cases.assign(group=cases["subject"].map({f"s00{k}": "ab"[k // 2] for k in range(4)}).mask(old))
    assert significance.paired_tests(scores.group_scores(mixed))["n"].tolist() == [2]


def test_rows_are_called_what_they_are():
    cases = cases_of(subjects=4)
    grouped = cases.assign(group=cases["subject"].map(lambda subject: f"person {int(subject[1:]) // 2}"))
    assert scores.group_scores(grouped).index.name == "group"
    assert scores.subject_means(grouped).index.name == "subject"
    assert set(scores.run_scores(grouped)["group"]) == {"person 0", "person 1"}
    assert scores.has_groups(grouped) and not scores.has_groups(cases)


def test_every_training_has_a_score_of_every_group_of_its_fold():
    runs = scores.run_scores(cases_of(subjects=6, folds=2, seeds=(0, 1)))
    assert runs.groupby(["variant", "fold", "seed"])["group"].nunique().tolist() == [3] * 8
    both = runs.groupby(["variant", "group"])["score"].mean()
    assert both["unet3d"].tolist() == pytest.approx(
        scores.group_scores(cases_of(subjects=6, folds=2, seeds=(0, 1)))["unet3d"].tolist()
    )
