import numpy as np
import pytest
from builders.label_pairs import CLASSES, cube, label_pairs
from hypothesis import given, settings
from sklearn.metrics import confusion_matrix

from benchmark.scoring.counts import foreground_box, joint_histogram, left_right_confusion, structure_counts


@given(label_pairs())
@settings(deadline=None)
def test_histogram_equals_scikit_learns_confusion_matrix(pair):
    expected = confusion_matrix(pair.truth.ravel(), pair.prediction.ravel(), labels=range(CLASSES))
    assert np.array_equal(joint_histogram(pair.truth, pair.prediction, CLASSES), expected)


@given(label_pairs())
@settings(deadline=None)
def test_histogram_does_not_depend_on_the_memory_layout(pair):
    expected = joint_histogram(pair.truth, pair.prediction, CLASSES)
    fortran = np.asfortranarray(pair.truth), np.asfortranarray(pair.prediction)
    assert np.array_equal(joint_histogram(*fortran, CLASSES), expected)
    assert np.array_equal(joint_histogram(fortran[0], pair.prediction, CLASSES), expected)


@given(label_pairs())
@settings(deadline=None)
def test_counts_of_each_class_are_those_of_its_masks(pair):
    counts = structure_counts(joint_histogram(pair.truth, pair.prediction, CLASSES))
    for k in range(CLASSES):
        truth, prediction = pair.truth == k, pair.prediction == k
        assert counts.tp[k] == (truth & prediction).sum()
        assert counts.fp[k] == (~truth & prediction).sum()
        assert counts.fn[k] == (truth & ~prediction).sum()
    assert counts.truth.sum() == counts.prediction.sum() == pair.truth.size


def test_histogram_counts_across_chunks():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 256, (2, 60, 60, 60)).astype(np.uint8)
    expected = np.zeros((256, 256), np.int64)
    np.add.at(expected, (truth.ravel(), prediction.ravel()), 1)
    assert np.array_equal(joint_histogram(truth, prediction, 256), expected)


def test_histogram_takes_any_integer_type():
    truth = cube((1, 1, 1)).astype(np.int64)
    assert joint_histogram(truth, truth.astype(np.int16), 2)[1, 1] == 27


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 3, 3\) and the truth \(4, 4, 4\)"):
        joint_histogram(np.zeros((4, 4, 4), np.uint8), np.zeros((3, 3, 3), np.uint8), 2)


@pytest.mark.parametrize("value", [-1, 2])
def test_a_class_beyond_the_last_is_refused_and_named(value):
    labels = np.full((2, 2, 2), value, np.int16)
    with pytest.raises(ValueError, match=f"The prediction holds class {value}.* from 0 to 1"):
        joint_histogram(np.zeros((2, 2, 2), np.uint8), labels, 2)


def test_fractional_labels_are_refused():
    with pytest.raises(ValueError, match="truth holds float64"):
        joint_histogram(np.zeros((2, 2, 2)), np.zeros((2, 2, 2), np.uint8), 2)


def test_box_encloses_both_maps():
    box = foreground_box(cube((1, 2, 3)), cube((5, 2, 0)))
    assert box == (slice(1, 8), slice(2, 5), slice(0, 6))


def test_box_of_two_empty_maps_is_empty():
    empty = np.zeros((4, 4, 4), np.uint8)
    assert empty[foreground_box(empty, empty)].size == 0


def test_confusion_is_the_share_of_predicted_voxels_on_the_partner():
    truth = np.array([1, 1, 2, 2, 3, 0])
    prediction = np.array([1, 2, 2, 2, 3, 2])
    confusion = left_right_confusion(joint_histogram(truth, prediction, 4), partners=[0, 2, 1, 3])
    np.testing.assert_allclose(confusion, [np.nan, 0, 1 / 4, np.nan])


def test_confusion_of_a_structure_never_predicted_is_undefined():
    truth = np.array([1, 1, 2, 2])
    confusion = left_right_confusion(joint_histogram(truth, np.zeros(4, int), 3), partners=[0, 2, 1])
    assert np.isnan(confusion).all()
