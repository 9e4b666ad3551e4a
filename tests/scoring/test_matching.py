from pathlib import Path

import numpy as np
import pytest
from builders.cohorts import brain, save, write_source
from builders.sources import save_mgz, write_bids, write_sessions

from benchmark.scoring.matching import match_files, subject_of
from datamodules.labels.protocol import load_protocol
from datamodules.sources.subjects import Selection

ASEG45 = load_protocol("aseg45")


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
    matches = match_files({"prediction": one, "truth": other}, ASEG45)
    assert [match.subject for match in matches] == ["a", "b"]
    assert matches[0].files == {"prediction": one / "a_dseg.nii.gz", "truth": other / "a/mri/aseg.mgz"}


def test_everything_unmatched_or_ambiguous_is_listed_at_once(tmp_path):
    one = fill(tmp_path / "one", "a_dseg.nii.gz", "a_aseg.nii.gz", "b.nii.gz")
    other = fill(tmp_path / "other", "a.nii.gz", "c.nii.gz")
    with pytest.raises(ValueError, match=r"2 files are named after it: a_aseg.nii.gz, a_dseg.nii.gz") as caught:
        match_files({"prediction": one, "truth": other}, ASEG45)
    assert "Has no prediction of c" in str(caught.value)
    assert "Has no truth of b" in str(caught.value)


def test_partial_leaves_out_what_only_one_folder_has(tmp_path):
    folders = {"prediction": fill(tmp_path / "one", "a.nii.gz"), "truth": fill(tmp_path / "b", "a.nii.gz", "c.nii.gz")}
    assert [match.subject for match in match_files(folders, ASEG45, partial=True)] == ["a"]


def test_partial_does_not_score_nothing(tmp_path):
    folders = {"prediction": fill(tmp_path / "one", "a.nii.gz"), "truth": fill(tmp_path / "other", "c.nii.gz")}
    with pytest.raises(ValueError, match="Has no prediction of c"):
        match_files(folders, ASEG45, partial=True)


def test_two_empty_folders_are_refused(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="one: Holds no image"):
        match_files({"prediction": tmp_path / "one", "truth": tmp_path / "other"}, ASEG45)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such file or folder"):
        match_files({"prediction": tmp_path / "nowhere"}, ASEG45)


@pytest.fixture
def subjects_dir(tmp_path):
    """As FreeSurfer leaves two subjects: images and label maps side by side, and an average."""
    label = brain(0)[2].astype(np.int32)
    parcels = np.where(label == 3, np.where(np.indices(label.shape)[0] < 12, 1005, 1007), label).astype(np.int32)
    for name in ("ann", "bob", "fsaverage"):
        for image in ("orig", "T1", "brainmask", "norm"):
            save_mgz(tmp_path / f"subjects/{name}/mri/{image}.mgz", brain(0)[1].astype(np.uint8))
        save_mgz(tmp_path / f"subjects/{name}/mri/aseg.mgz", label)
        save_mgz(tmp_path / f"subjects/{name}/mri/aparc+aseg.mgz", parcels)
        save_mgz(tmp_path / f"subjects/{name}/mri/wmparc.mgz", np.where(parcels == 2, 3005, parcels).astype(np.int32))
    return tmp_path / "subjects"


@pytest.fixture
def predicted(tmp_path):
    return fill(tmp_path / "found", "ann_dseg.nii.gz", "bob_dseg.nii.gz")


PARCELS = """label\tname\tside\tpartner\ttissue\tcolour\tfolds
0\tbackground\t\t\tbackground\t#000000\t
2\tWhite\t\t\twhite matter\t#f5f5f5\t
10\tThalamus\t\t\tdeep grey matter\t#00760e\t
1005\tcuneus\t\t\tcortical grey matter\t#dc1464\t
1007\tfusiform\t\t\tcortical grey matter\t#b4dc8c\t
"""


def test_of_freesurfers_label_maps_the_one_that_knows_the_protocol_is_read(tmp_path, subjects_dir, predicted):
    (tmp_path / "parcels.tsv").write_text(PARCELS)
    for protocol, name in ((ASEG45, "aseg.mgz"), (load_protocol(str(tmp_path / "parcels.tsv")), "aparc+aseg.mgz")):
        matches = match_files({"prediction": predicted, "truth": subjects_dir}, protocol)
        assert {match.subject: match.files["truth"].name for match in matches} == {"ann": name, "bob": name}


def test_the_named_label_map_comes_first(subjects_dir, predicted):
    places = {"prediction": predicted, "truth": subjects_dir}
    for wanted, name in (("wmparc", "wmparc.mgz"), ("aparc", "aparc+aseg.mgz"), ("aseg", "aseg.mgz")):
        matches = match_files(places, ASEG45, selection=Selection(segmentation=wanted))
        assert {match.files["truth"].name for match in matches} == {name}
    with pytest.raises(
        ValueError, match=r"No label map is called 'xyz': there are aseg.mgz, aparc\+aseg.mgz, wmparc.mgz"
    ):
        match_files(places, ASEG45, selection=Selection(segmentation="xyz"))


def test_a_subjects_own_folder_and_a_single_file_belong_together(subjects_dir, predicted):
    (match,) = match_files({"prediction": predicted / "ann_dseg.nii.gz", "truth": subjects_dir / "ann"}, ASEG45)
    assert (match.subject, match.files["truth"].name) == ("ann", "aseg.mgz")
    (match,) = match_files({"prediction": predicted / "bob_dseg.nii.gz", "truth": subjects_dir}, ASEG45)
    assert match.files["truth"] == subjects_dir / "bob/mri/aseg.mgz"


def test_two_single_files_belong_together_whatever_their_names(subjects_dir, predicted):
    places = {"prediction": predicted / "ann_dseg.nii.gz", "truth": subjects_dir / "bob/mri/aseg.mgz"}
    assert match_files(places, ASEG45)[0].subject == "ann"


def test_of_several_files_of_a_subject_the_named_one_is_taken(tmp_path):
    one = fill(tmp_path / "one", "a_desc-aseg_dseg.nii.gz", "a_desc-aparcaseg_dseg.nii.gz", "b_dseg.nii.gz")
    other = fill(tmp_path / "other", "a.nii.gz", "b.nii.gz")
    with pytest.raises(ValueError, match="say which: --segmentation NAME"):
        match_files({"prediction": one, "truth": other}, ASEG45)
    first, _ = match_files({"prediction": one, "truth": other}, ASEG45, selection=Selection(segmentation="desc-aseg"))
    assert first.files["prediction"].name == "a_desc-aseg_dseg.nii.gz"


def test_a_bids_tree_or_a_manifest_is_a_truth_and_a_pet(tmp_path):
    bids, manifest = write_bids(tmp_path / "bids"), write_source(tmp_path / "source", 2)
    for source, names in ((bids, ("sub-0", "sub-1")), (manifest, ("s0", "s1"))):
        labels = tmp_path / f"labels-{names[0]}"
        for name in names:
            save(labels / f"{name}_dseg.nii.gz", brain(0)[2])
        matches = match_files({"prediction": labels, "truth": source, "pet": source}, ASEG45)
        assert tuple(match.subject for match in matches) == names
        for match in matches:
            assert "pet" in match.files["pet"].name and "pet" not in match.files["truth"].name


def test_labels_of_a_named_session_meet_a_bids_tree_that_has_one(tmp_path):
    root = write_sessions(tmp_path / "bids")
    (root / "dataset_description.json").write_text("{}")
    (root / "sub-1/ses-late/pet/sub-1_ses-late_trc-FDG_pet.nii.gz").unlink()
    for name in ("sub-1", "sub-1_ses-mr"):
        save(tmp_path / name / f"{name}_dseg.nii.gz", brain(0)[2])
        (match,) = match_files({"prediction": tmp_path / name, "truth": root}, ASEG45)
        assert match.subject == name


def test_of_a_bids_tree_with_two_sessions_those_named_are_scored(tmp_path):
    root = write_sessions(tmp_path / "bids")
    (root / "dataset_description.json").write_text("{}")
    save(tmp_path / "labels/sub-1_ses-late_dseg.nii.gz", brain(0)[2])
    places = {"prediction": tmp_path / "labels", "truth": root}
    with pytest.raises(ValueError, match="--session base or late"):
        match_files(places, ASEG45)
    (match,) = match_files(places, ASEG45, selection=Selection(session=("late",)))
    assert match.subject == "sub-1_ses-late"


def test_a_file_that_is_neither_image_nor_manifest_is_told(tmp_path):
    save(tmp_path / "s_dseg.nii.gz", brain(0)[2])
    (tmp_path / "notes.txt").write_text("s")
    with pytest.raises(ValueError, match=r"notes\.txt: its layout isn't recognised"):
        match_files({"prediction": tmp_path / "s_dseg.nii.gz", "truth": tmp_path / "notes.txt"}, ASEG45)
