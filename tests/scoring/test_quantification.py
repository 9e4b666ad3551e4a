import numpy as np
import pytest
from builders.label_pairs import CLASSES, cube, label_pairs, protocol
from hypothesis import given, settings
from scipy import ndimage

from benchmark.scoring.quantification import quantify_case, reference_classes, uptake
from benchmark.scoring.suv import Scale
from datamodules.labels.protocol import load_protocol

ACTIVITY = Scale("Bq/ml", 1.0)
SPACING = (1.0, 1.0, 2.0)


def quantify(truth, prediction, pet, scale=ACTIVITY, **settings):
    return quantify_case(truth, prediction, pet, SPACING, protocol(), scale, **settings).set_index("structure")


@given(label_pairs())
@settings(deadline=None, max_examples=50)
def test_uptake_equals_scipys_measurements(pair):
    pet = np.random.default_rng(0).gamma(2.0, 1e4, pair.truth.shape).astype(np.float32)
    found = uptake(pet, pair.truth, CLASSES)
    for k in range(1, CLASSES):
        if (pair.truth == k).any():
            assert found.mean[k] == pytest.approx(ndimage.mean(pet.astype(float), pair.truth, k))
            assert found.median[k] == pytest.approx(ndimage.median(pet, pair.truth, k))
            assert found.maximum[k] == pytest.approx(ndimage.maximum(pet, pair.truth, k))
        else:
            assert np.isnan([found.mean[k], found.median[k], found.maximum[k]]).all()


def test_volumes_are_in_millilitres():
    table = quantify(cube((1, 1, 1)), cube((1, 1, 1), side=2), np.ones((12, 12, 12)))
    assert table.loc["1", ["truth_ml", "prediction_ml"]].tolist() == pytest.approx([0.054, 0.016])


def test_relative_error_of_the_mean_is_against_the_truth():
    truth, prediction = cube((0, 0, 0)), cube((0, 0, 0), side=4)
    pet = np.where(truth == 1, 100.0, 60.0)
    row = quantify(truth, prediction, pet).loc["1"]
    assert row["truth_mean"] == 100
    assert row["relative_error"] == pytest.approx(-0.4 * (64 - 27) / 64)
    assert not row["within_tolerance"]


@pytest.mark.parametrize(("outside", "tolerable"), [(92.0, True), (91.0, False)])  # half of the voxels: 4 % and 4.5 %
def test_five_percent_is_tolerable(outside, tolerable):
    truth, prediction = np.zeros((2, 1, 20, 1), np.uint8)
    truth[:, :10] = prediction[:] = 1
    pet = np.where(truth == 1, 100.0, outside - 2 * (1 - tolerable))
    table = quantify_case(truth, prediction, pet, SPACING, protocol(), ACTIVITY)
    assert table["within_tolerance"][0] == tolerable


def test_suv_scales_every_uptake():
    pet = np.full((12, 12, 12), 5000.0)
    row = quantify(cube((1, 1, 1)), cube((1, 1, 1)), pet, Scale("SUV", 1e-3)).loc["1"]
    assert row[["unit", "truth_mean", "prediction_median", "truth_max"]].tolist() == ["SUV", 5, 5, 5]


def test_structures_in_one_map_are_not_tolerable_and_in_none_not_judged():
    truth, prediction = cube((1, 1, 1)), cube((5, 5, 5), label=2)
    within = quantify(truth, prediction, np.ones(truth.shape))["within_tolerance"]
    assert within[["1", "2"]].tolist() == [False, False]
    assert within[["3", "4"]].isna().all()


def test_suvr_is_relative_to_the_reference_of_each_map():
    truth = cube((0, 0, 0)) + cube((6, 6, 6), label=2)
    prediction = cube((0, 0, 0)) + cube((6, 6, 6), label=2, side=2)
    pet = np.where(truth == 1, 30.0, 10.0)
    row = quantify(truth, prediction, pet, reference="whole brain").loc["1"]
    assert row["unit"] == "SUVR (whole brain)"
    assert row["truth_mean"] == pytest.approx(30 / 20)
    assert row["prediction_mean"] == pytest.approx(30 / ((27 * 30 + 8 * 10) / 35))


def test_a_map_without_the_reference_has_no_suvr():
    truth = cube((0, 0, 0))
    row = quantify(truth, np.zeros_like(truth), np.ones(truth.shape), reference="whole brain").loc["1"]
    assert row["truth_mean"] == 1
    assert np.isnan(row["prediction_mean"])


def test_references_are_the_structures_they_name():
    aseg = load_protocol("aseg45")
    assert [aseg.labels[i] for i in reference_classes(aseg, "cerebellar cortex")] == [8, 47]
    assert not {0, 4, 43, 14, 15, 24} & {aseg.labels[i] for i in reference_classes(aseg, "whole brain")}


def test_a_protocol_that_does_not_separate_the_reference_is_refused():
    with pytest.raises(ValueError, match="'coarse9' does not separate the cerebellar cortex; use 'whole brain'"):
        reference_classes(load_protocol("coarse9"), "cerebellar cortex")


def test_an_unknown_reference_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'pons'; choose one of cerebellar cortex, whole brain"):
        reference_classes(load_protocol("aseg45"), "pons")


def test_volumes_on_different_grids_are_refused():
    with pytest.raises(ValueError, match="different shapes"):
        quantify(cube((1, 1, 1)), cube((1, 1, 1)), np.ones((12, 12, 11)))


def test_a_pet_that_is_not_finite_is_refused():
    pet = np.ones((12, 12, 12))
    pet[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="1 voxels that are not finite"):
        quantify(cube((1, 1, 1)), cube((1, 1, 1)), pet)
