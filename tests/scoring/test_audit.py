import numpy as np
import pandas as pd
import pytest
from builders.label_pairs import CLASSES, label_pairs, protocol, spacings
from hypothesis import given, settings

from benchmark.scoring.audit import AuditError, audit_averages, audit_cases, audit_histogram
from benchmark.scoring.cases import score_case


@pytest.fixture
def cases():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, CLASSES, (2, 6, 6, 6)).astype(np.uint8)
    return score_case(truth, prediction, (1.0, 1.0, 2.0), protocol()).assign(subject="sub-01")


@given(label_pairs(), spacings)
@settings(deadline=None, max_examples=50)
def test_what_we_score_passes_whatever_is_absent(pair, spacing):
    audit_cases(score_case(pair.truth, pair.prediction, spacing, protocol()))


@pytest.mark.parametrize(
    ("column", "identity"),
    [
        ("tp", "dice of its counts"),
        ("dice", "dice of its counts"),
        ("jaccard", "jaccard of its counts"),
        ("precision", "precision of its counts"),
        ("volume_similarity", "volume similarity of its counts"),
        ("truth_ml", "Volumes in proportion"),
    ],
)
def test_an_edited_score_stops_the_table_and_is_named(cases, column, identity):
    cases.loc[2, column] += 1
    with pytest.raises(AuditError, match=f"{identity}.*first for structure 3, label 30, subject sub-01"):
        audit_cases(cases)


def test_a_score_that_was_lost_stops_the_table(cases):
    cases.loc[1, "dice"] = np.nan
    with pytest.raises(AuditError, match="1 of 4 rows"):
        audit_cases(cases)


def test_a_missed_structure_passed_off_as_absent_stops_the_table(cases):
    cases.loc[1, "status"] = "absent"
    with pytest.raises(AuditError, match="status of its counts"):
        audit_cases(cases)


def test_a_case_scored_twice_stops_the_table(cases):
    cases = cases.loc[[0, 1, 1, 2]]
    with pytest.raises(AuditError, match="One row per case and structure"):
        audit_cases(cases)


def test_counts_must_add_up_to_the_volume():
    with pytest.raises(AuditError, match="add up to 7 voxels, the volume has 8"):
        audit_histogram(np.array([[3, 1], [1, 2]]), voxels=8)


def averages(dice, precision, sensitivity):
    metrics = ["dice", "precision", "sensitivity"]
    return pd.DataFrame({"metric": np.repeat(metrics, len(dice)), "mean": [*dice, *precision, *sensitivity]})


def test_the_printed_averages_of_the_paper_are_not_over_the_same_cells():
    with pytest.raises(AuditError, match=r"0.8573 exceeds .* = 0.8413 .* cannot be averages over the same cells"):
        audit_averages(averages(dice=[0.8, 0.8573], precision=[0.8, 0.8326], sensitivity=[0.8, 0.8500]))


def test_averages_at_the_bound_pass():
    audit_averages(averages(dice=[0.5, np.nan], precision=[0.6, np.nan], sensitivity=[0.4, np.nan]))
    with pytest.raises(AuditError, match="cannot be averages over the same cells"):
        audit_averages(averages(dice=[0.51, np.nan], precision=[0.6, np.nan], sensitivity=[0.4, np.nan]))
