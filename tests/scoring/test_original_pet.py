import logging
from dataclasses import replace
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import COARSE, SIDE, make_cohort

from benchmark.experiment.scores import score_subject
from benchmark.labelling.predictions import write_prediction
from benchmark.scoring.columns import UPTAKE
from benchmark.scoring.original_pet import body_weight_kg, original_of
from datamodules.cohort.prepare import prepare
from datamodules.sources.find import find_subjects


@pytest.fixture
def cohort(tmp_path):
    return make_cohort(tmp_path, subjects=1)


def score(cohort, folder):
    write_prediction(folder, cohort, "s0", np.roll(cohort.label("s0"), 1, 0))
    return score_subject(cohort, "s0", folder)


def source(cohort):
    return cohort.path.parent / "source/s0"


def test_uptake_is_measured_on_the_pet_that_was_brought(cohort, tmp_path):
    (source(cohort) / "pet.json").write_text("{}")
    cases = score(cohort, tmp_path).set_index("label")
    pet, label = (nib.load(source(cohort) / f"{kind}.nii.gz").get_fdata() for kind in ("pet", "label"))
    whole = pet[label > 0].mean()
    for structure in (2, 3, 10):
        assert cases.loc[structure, "truth_mean"] == pytest.approx(pet[label == structure].mean() / whole, rel=1e-5)
        assert cases.loc[structure, "unit"] == "SUVR (whole brain)"
        assert cases.loc[structure, "prediction_mean"] != cases.loc[structure, "truth_mean"]


def test_a_cohort_of_other_voxels_is_scored_against_the_label_map_that_was_brought(tmp_path):
    made = make_cohort(tmp_path, subjects=1)
    settings = replace(COARSE, spacing=(2.0, 2.0, 2.0))
    cohort = prepare(find_subjects(made.path.parent / "source/manifest.csv"), tmp_path / "coarse", settings)
    write_prediction(tmp_path, cohort, "s0", np.asarray(cohort.label("s0")))
    cases = score_subject(cohort, "s0", tmp_path).set_index("label")
    label = nib.load(source(made) / "label.nii.gz").get_fdata()
    assert cases.loc[3, "truth_ml"] == pytest.approx((label == 3).sum() / 1000)
    assert 0.5 < cases.loc[3, "dice"] < 1


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_without_the_original_uptake_is_empty_and_said(cohort, tmp_path, caplog, fate):
    path = source(cohort) / "pet.nii.gz"
    if fate == "gone":
        path.unlink()
    else:
        nib.save(nib.Nifti1Image(np.ones((SIDE,) * 3, np.float32), np.eye(4)), path)
    with caplog.at_level(logging.WARNING):
        cases = score(cohort, tmp_path)
    assert cases[list(UPTAKE)].isna().all(axis=None)
    assert cases["dice"].notna().any()
    expected = {"gone": "isn't where the cohort was prepared from", "changed": "has changed since"}[fate]
    assert f"{path}: this PET {expected}" in caplog.text


def test_a_cohort_without_a_pet_says_so(cohort):
    subject = cohort.subjects["s0"]
    nothing = SimpleNamespace(subjects={"s0": SimpleNamespace(**{**vars(subject), "sources": {}})})
    with pytest.raises(ValueError, match="the cohort has no image 'pet'"):
        original_of(nothing, "s0")


@pytest.mark.parametrize(("told", "expected"), [({"weight": "70.5"}, 70.5), ({"weight": "n/a"}, None), ({}, None)])
def test_the_weight_may_be_unknown(told, expected):
    assert body_weight_kg(told) == expected
