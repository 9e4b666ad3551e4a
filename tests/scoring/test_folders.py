from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from builders.cohorts import LIA, brain, save

import benchmark.scoring.folders as module
from benchmark.scoring.case_table import read_cases
from benchmark.scoring.cases import score_case
from benchmark.scoring.folders import ScoreSettings, score_folders
from benchmark.scoring.matching import match_files
from datamodules.labels.protocol import load_protocol
from datamodules.volumes.frames import Frames

COARSE = load_protocol("coarse9")
AS_LABELS = ScoreSettings(COARSE)


@pytest.fixture
def folders(tmp_path):
    """Two subjects: truth as FreeSurfer has it, predictions a voxel off."""
    for index in range(2):
        _, _, label = brain(index)
        save(tmp_path / f"truth/s{index}/mri/aseg.nii.gz", label)
        save(tmp_path / f"predictions/s{index}_dseg.nii.gz", np.roll(label, 1, 0))
    return {"prediction": tmp_path / "predictions", "truth": tmp_path / "truth"}


def scores(folders, output, settings=AS_LABELS, **options):
    return score_folders(match_files(folders, COARSE), output, settings, **options)


def rewrite(path, change, affine=None):
    image = nib.load(path)
    save(path, change(np.asarray(image.dataobj)), image.affine if affine is None else affine)


def test_scores_are_those_of_the_label_maps(folders, tmp_path):
    cases = scores(folders, tmp_path / "cases.csv")
    _, _, label = brain(1)
    expected = score_case(*(COARSE.to_indices(one) for one in (label, np.roll(label, 1, 0))), (1, 1, 1), COARSE)
    found = cases[cases["subject"] == "s1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(expected.columns)], expected, check_dtype=False)
    assert cases["unit"].isna().all()


def test_the_table_on_disk_holds_every_bit(folders, tmp_path):
    cases = scores(folders, tmp_path / "cases.csv")
    again = read_cases([tmp_path / "cases.csv"])
    pd.testing.assert_frame_equal(again, cases, check_exact=True)


def test_processes_make_no_difference(folders, tmp_path):
    alone = scores(folders, tmp_path / "alone.csv")
    pd.testing.assert_frame_equal(scores(folders, tmp_path / "two.csv", processes=2), alone, check_exact=True)


@pytest.mark.parametrize("changed", ["predictions", "truth", "both"])
def test_class_indices_score_as_their_labels_do(folders, tmp_path, changed):
    expected = scores(folders, tmp_path / "labels.csv")
    for role in {"predictions": ["prediction"], "truth": ["truth"], "both": ["prediction", "truth"]}[changed]:
        for path in folders[role].rglob("*.nii.gz"):
            rewrite(path, COARSE.to_indices)
    found = scores(folders, tmp_path / "indices.csv", ScoreSettings(COARSE, indices=changed))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_labels_taken_for_indices_are_refused(folders, tmp_path):
    path = folders["prediction"] / "s0_dseg.nii.gz"
    rewrite(path, lambda label: label * 17)
    with pytest.raises(ValueError, match=r"s0_dseg.nii.gz: holds 0 to 170; expected class indices of coarse9, 0 to 8"):
        scores(folders, tmp_path / "cases.csv", ScoreSettings(COARSE, indices="predictions"))


def test_unknown_labels_are_refused_by_file_or_become_background(folders, tmp_path):
    rewrite(folders["prediction"] / "s0_dseg.nii.gz", lambda label: np.where(label == 10, 7777, label).astype(np.int16))
    with pytest.raises(ValueError, match=r"s0_dseg.nii.gz: .*7777"):
        scores(folders, tmp_path / "cases.csv")
    cases = scores(folders, tmp_path / "cases.csv", ScoreSettings(COARSE, unknown_to_background=True))
    assert (cases[cases["structure"] == "Thalamus"]["status"] == ["missed", "present"]).all()


def test_the_order_of_the_axes_makes_no_difference(folders, tmp_path):
    expected = scores(folders, tmp_path / "cases.csv")
    for path in folders["prediction"].iterdir():
        nib.save(nib.as_closest_canonical(nib.load(path)), path)
    pd.testing.assert_frame_equal(scores(folders, tmp_path / "again.csv"), expected)


def test_another_grid_is_refused_or_resampled_on_request(folders, tmp_path):
    expected = scores(folders, tmp_path / "cases.csv")
    for path in folders["prediction"].iterdir():
        rewrite(path, lambda label: label.repeat(2, 0).repeat(2, 1).repeat(2, 2), finer(LIA))
    with pytest.raises(ValueError, match=r"s0_dseg.nii.gz: lies on another grid .*48 x 48 x 48.*--resample"):
        scores(folders, tmp_path / "again.csv")
    found = scores(folders, tmp_path / "again.csv", ScoreSettings(COARSE, resample=True))
    pd.testing.assert_frame_equal(found, expected)


def finer(affine):
    """The same field of view in voxels of half the side."""
    half = affine @ np.diag([0.5, 0.5, 0.5, 1])
    half[:3, 3] = (affine @ [-0.25, -0.25, -0.25, 1])[:3]
    return half


def test_a_pet_gives_uptake(folders, tmp_path):
    for index in range(2):
        save(tmp_path / f"pet/s{index}_pet.nii.gz", brain(index)[0])
        (tmp_path / f"pet/s{index}_pet.json").write_text('{"Units": "kBq/ml"}')
    cases = scores({**folders, "pet": tmp_path / "pet"}, tmp_path / "cases.csv").set_index(["subject", "structure"])
    pet, _, label = brain(1)
    row = cases.loc["s1", "Cortex"]
    assert row["unit"] == "Bq/ml"
    assert row["truth_mean"] == pytest.approx(1000 * pet[label == 3].mean(), rel=1e-5)
    assert row["prediction_mean"] == pytest.approx(1000 * pet[np.roll(label, 1, 0) == 3].mean(), rel=1e-5)


def test_the_frames_of_a_dynamic_pet_are_averaged_as_asked(folders, tmp_path):
    for index in range(2):
        pet = brain(index)[0]
        save(tmp_path / f"pet/s{index}_pet.nii.gz", np.stack([0 * pet, pet, 3 * pet], -1))
        (tmp_path / f"pet/s{index}_pet.json").write_text('{"Units": "Bq/ml", "FrameDuration": [60, 60, 60]}')
    places = {**folders, "pet": tmp_path / "pet"}
    with pytest.raises(ValueError, match="--frames 0:3"):
        scores(places, tmp_path / "cases.csv")
    cases = scores(places, tmp_path / "cases.csv", replace(AS_LABELS, frames=Frames(1, 3)))
    row = cases.set_index(["subject", "structure"]).loc["s1", "Cortex"]
    pet, _, label = brain(1)
    assert row["truth_mean"] == pytest.approx(2 * pet[label == 3].mean(), rel=1e-5)


def test_an_interrupted_scoring_goes_on_with_what_is_missing(folders, tmp_path, monkeypatch):
    expected = scores(folders, tmp_path / "whole.csv")
    rewrite(folders["prediction"] / "s1_dseg.nii.gz", lambda label: np.where(label == 10, 7777, label).astype(np.int16))
    with pytest.raises(ValueError, match="s1_dseg"):
        scores(folders, tmp_path / "cases.csv")
    assert not (tmp_path / "cases.csv").exists()
    save(folders["prediction"] / "s1_dseg.nii.gz", np.roll(brain(1)[2], 1, 0))
    scored, score = [], module.score_match
    monkeypatch.setattr(module, "score_match", lambda match, rest: scored.append(match.subject) or score(match, rest))
    pd.testing.assert_frame_equal(scores(folders, tmp_path / "cases.csv"), expected)
    assert scored == ["s1"]
    assert sorted(path.name for path in tmp_path.glob("cases*")) == ["cases.csv"]


def test_a_changed_prediction_is_scored_anew(folders, tmp_path):
    with pytest.raises(ValueError, match="expected at least 1"):
        scores(folders, tmp_path / "cases.csv", processes=0)
    first = scores(folders, tmp_path / "cases.csv")
    save(folders["prediction"] / "s1_dseg.nii.gz", brain(1)[2])
    second = scores(folders, tmp_path / "cases.csv")
    assert second[second["subject"] == "s1"]["dice"].dropna().eq(1).all()
    assert not first[first["subject"] == "s1"]["dice"].dropna().eq(1).all()
