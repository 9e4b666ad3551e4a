import numpy as np
import pytest
from builders.label_pairs import CLASSES, cube, label_pairs, spacings
from hypothesis import given, settings
from scipy import ndimage

from benchmark.scoring.distances import metric_names, surface_metrics

ISOTROPIC = (1.0, 1.0, 1.0)


def by_distance_transform(truth, prediction, spacing):
    """One structure, by definition: erosion for its surface, Euclidean distance transform for the rest."""
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, prediction)]
    to_truth, to_prediction = (ndimage.distance_transform_edt(~surface, sampling=spacing) for surface in surfaces)
    forth, back = to_prediction[surfaces[0]], to_truth[surfaces[1]]
    both = np.concatenate([forth, back])
    hausdorff95 = max(np.percentile(forth, 95), np.percentile(back, 95))
    return [both.max(), hausdorff95, both.mean(), *(np.mean(both <= tolerance + 1e-6) for tolerance in (1, 2))]


def assert_equal_to_distance_transforms(truth, prediction, spacing, classes=CLASSES):
    metrics = np.array(list(surface_metrics(truth, prediction, classes, spacing).values()))
    assert np.isnan(metrics[:, 0]).all()
    for k in range(1, classes):
        masks = truth == k, prediction == k
        expected = by_distance_transform(*masks, spacing) if masks[0].any() and masks[1].any() else [np.nan] * 5
        np.testing.assert_allclose(metrics[:, k], expected, rtol=1e-9, atol=1e-9)


@given(label_pairs(), spacings)
@settings(deadline=None, max_examples=150)
def test_distances_equal_one_distance_transform_per_structure(pair, spacing):
    assert_equal_to_distance_transforms(pair.truth, pair.prediction, spacing)


@given(label_pairs(largest=24), spacings)
@settings(deadline=None, max_examples=30)
def test_distances_beyond_the_reach_of_the_probes_are_exact_too(pair, spacing):
    far = np.pad(pair.truth, ((0, 20), (0, 0), (0, 9))), np.pad(pair.prediction, ((20, 0), (0, 0), (9, 0)))
    assert_equal_to_distance_transforms(*far, spacing)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 12.0), (0.2, 3.0, 3.0)])
def test_spacings_that_reach_no_neighbour_along_an_axis_are_exact(spacing):
    rng = np.random.default_rng(1)
    truth, prediction = rng.integers(0, CLASSES, (2, 6, 7, 8)).astype(np.uint8)
    assert_equal_to_distance_transforms(truth, prediction, spacing)


def test_distances_do_not_depend_on_the_memory_layout():
    rng = np.random.default_rng(2)
    truth, prediction = rng.integers(0, CLASSES, (2, 6, 7, 8)).astype(np.uint8)
    expected = surface_metrics(truth, prediction, CLASSES, (1.2, 1.0, 0.9))
    found = surface_metrics(np.asfortranarray(truth), np.asfortranarray(prediction), CLASSES, (1.2, 1.0, 0.9))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-12)


def test_a_shifted_cube_is_as_far_as_its_shift_in_mm():
    metrics = surface_metrics(cube((2, 2, 2)), cube((4, 2, 2)), 2, (1.5, 1.0, 1.0))
    assert metrics["hausdorff_mm"][1] == 3.0


def test_surface_dice_forgives_up_to_its_tolerance():
    metrics = surface_metrics(cube((2, 2, 2)), cube((3, 2, 2)), 2, (1.5, 1.0, 1.0))
    assert metrics["surface_dice_1mm"][1] < 1
    assert metrics["surface_dice_2mm"][1] == 1


def test_a_distance_equal_to_the_tolerance_in_decimals_is_within_it():
    metrics = surface_metrics(cube((2, 2, 2)), cube((5, 2, 2)), 2, (0.1, 1.0, 1.0), tolerances_mm=[0.3])
    assert metrics["surface_dice_0.3mm"][1] == 1


def test_perfect_segmentation_is_at_distance_zero():
    labels = cube((0, 0, 0))  # touches the border
    metrics = surface_metrics(labels, labels, 2, ISOTROPIC)
    assert [float(values[1]) for values in metrics.values()] == [0, 0, 0, 1, 1]


def test_two_empty_maps_have_no_distances():
    empty = np.zeros((4, 4, 4), np.uint8)
    metrics = surface_metrics(empty, empty, 3, ISOTROPIC)
    assert list(metrics) == metric_names()
    assert np.isnan(list(metrics.values())).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 0.0, 1.0), (1.0, np.nan, 1.0)])
def test_a_spacing_that_is_no_length_for_each_axis_is_refused(spacing):
    with pytest.raises(ValueError, match="one positive length in mm for each axis"):
        surface_metrics(cube((1, 1, 1)), cube((1, 1, 1)), 2, spacing)
