import numpy as np
import pytest

from benchmark.scoring.absence import diagonal_mm, settle_distances, settle_overlaps, status_of
from benchmark.scoring.counts import Counts

STATUS = np.array(["present", "missed", "spurious", "absent"])
MEASURED = {"metric": np.array([0.7, np.nan, np.nan, np.nan])}


def test_status_follows_from_where_a_structure_is_found():
    counts = Counts(tp=np.array([1, 0, 0, 0, 0]), fp=np.array([0, 0, 3, 0, 2]), fn=np.array([0, 2, 0, 0, 1]))
    assert status_of(counts).tolist() == ["present", "missed", "spurious", "absent", "present"]


def test_overlaps_are_zero_where_missed_or_spurious_and_undefined_where_absent():
    np.testing.assert_array_equal(settle_overlaps(MEASURED, STATUS)["metric"], [0.7, 0, 0, np.nan])


def test_distances_are_the_diagonal_where_missed_or_spurious():
    np.testing.assert_array_equal(settle_distances(MEASURED, STATUS, 99.0)["metric"], [0.7, 99, 99, np.nan])


def test_distances_can_be_excluded_where_missed_or_spurious():
    settled = settle_distances(MEASURED, STATUS, 99.0, "exclude")["metric"]
    np.testing.assert_array_equal(settled, [0.7, np.nan, np.nan, np.nan])


def test_another_policy_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'infinite'; choose one of penalise, exclude"):
        settle_distances(MEASURED, STATUS, 99.0, "infinite")


def test_diagonal_is_measured_in_mm():
    assert diagonal_mm((3, 4, 6), (1.0, 1.0, 2.0)) == 13
