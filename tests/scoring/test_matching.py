from pathlib import Path

import numpy as np
import pytest
from builders.cohorts import save

from benchmark.scoring.matching import match_files, subject_of


def fill(folder, *names):
    for name in names:
        save(folder / name, np.zeros((2, 2, 2), np.uint8))
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "s1.nii.gz",
        "s1_dseg.nii.gz",
        "s1_aseg.nii",
        "s1.aparc+aseg.mgz",
        "s1_desc-aseg_dseg.nii.gz",
        "s1_trc-18FFDG_pet.nii.gz",
        "s1/mri/aseg.mgz",
        "s1/label.nii.gz",
        "s1/pet/pet.nii.gz",
    ],
)
def test_a_file_is_named_after_its_subject_whatever_follows(name):
    assert subject_of(Path("/data") / name) == "s1"


def test_names_that_differ_before_the_suffix_stay_apart():
    assert subject_of(Path("sub-1_ses-a_dseg.nii.gz")) != subject_of(Path("sub-1_ses-b_dseg.nii.gz"))


def test_files_of_one_subject_meet(tmp_path):
    one = fill(tmp_path / "one", "b_dseg.nii.gz", "a_dseg.nii.gz")
    other = fill(tmp_path / "other", "a/mri/aseg.mgz", "b/mri/aseg.mgz")
    matches = match_files({"prediction": one, "truth": other})
    assert [match.subject for match in matches] == ["a", "b"]
    assert matches[0].files == {"prediction": one / "a_dseg.nii.gz", "truth": other / "a/mri/aseg.mgz"}


def test_everything_unmatched_or_ambiguous_is_listed_at_once(tmp_path):
    one = fill(tmp_path / "one", "a_dseg.nii.gz", "a_aseg.nii.gz", "b.nii.gz")
    other = fill(tmp_path / "other", "a.nii.gz", "c.nii.gz")
    with pytest.raises(ValueError, match=r"2 files are named after it: a_aseg.nii.gz, a_dseg.nii.gz") as caught:
        match_files({"prediction": one, "truth": other})
    assert "Has no prediction of c" in str(caught.value)
    assert "Has no truth of b" in str(caught.value)


def test_partial_leaves_out_what_only_one_folder_has(tmp_path):
    folders = {"prediction": fill(tmp_path / "one", "a.nii.gz"), "truth": fill(tmp_path / "b", "a.nii.gz", "c.nii.gz")}
    assert [match.subject for match in match_files(folders, partial=True)] == ["a"]


def test_partial_does_not_score_nothing(tmp_path):
    folders = {"prediction": fill(tmp_path / "one", "a.nii.gz"), "truth": fill(tmp_path / "other", "c.nii.gz")}
    with pytest.raises(ValueError, match="Has no prediction of c"):
        match_files(folders, partial=True)


def test_two_empty_folders_are_refused(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="one: Holds no image"):
        match_files({"prediction": tmp_path / "one", "truth": tmp_path / "other"})


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        match_files({"prediction": tmp_path / "nowhere"})
