import numpy as np
import pytest
from builders.cohorts import brain, save
from builders.sources import save_mgz, write_bids, write_sessions

from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import Selection


def test_images_labels_groups_and_covariates_are_found(tmp_path):
    subjects = find_subjects(write_bids(tmp_path / "bids"))
    assert [subject.id for subject in subjects] == ["sub-0", "sub-1"]
    assert list(subjects[0].images) == ["pet", "mr"]
    assert (subjects[0].group, dict(subjects[0].covariates)) == ("family", {"weight": "70"})
    assert subjects[0].label.name == "sub-0_desc-aseg_dseg.nii.gz"


def test_tissue_classes_and_maps_in_template_space_are_no_labels(tmp_path):
    root = write_bids(tmp_path / "bids", 1)
    for name in ("sub-0_dseg", "sub-0_space-MNI152NLin2009cAsym_desc-aseg_dseg", "sub-0_desc-aparcaseg_dseg"):
        save(root / f"derivatives/fmriprep/sub-0/anat/{name}.nii.gz", brain(0)[2])
    assert find_subjects(root)[0].label.name == "sub-0_desc-aseg_dseg.nii.gz"


@pytest.mark.parametrize(
    ("added", "option", "selection"),
    [
        ("sub-1_trc-18FFDG_run-2_pet", "run", None),
        ("sub-1_trc-PIB_pet", "--tracer 18FFDG or PIB", Selection(tracer="18FFDG")),
    ],
)
def test_two_images_of_a_kind_are_never_guessed_between(tmp_path, added, option, selection):
    root = write_bids(tmp_path / "bids")
    save(root / f"sub-1/pet/{added}.nii.gz", brain(1)[0])
    with pytest.raises(ValueError, match=rf"(?s)sub-1: There are 2 candidates for a PET image.*{added}.*{option}"):
        find_subjects(root)
    if selection:
        assert find_subjects(root, selection=selection)[1].images["pet"].name == "sub-1_trc-18FFDG_pet.nii.gz"


def test_two_runs_are_told_apart_by_run(tmp_path):
    root = write_bids(tmp_path / "bids", 1)
    (root / "sub-0/anat/sub-0_T1w.nii.gz").rename(root / "sub-0/anat/sub-0_run-1_T1w.nii.gz")
    save(root / "sub-0/anat/sub-0_run-2_T1w.nii.gz", brain(0)[1])
    with pytest.raises(ValueError, match="Choose with --run 1 or 2"):
        find_subjects(root)
    assert find_subjects(root, selection=Selection(run="2"))[0].images["mr"].name == "sub-0_run-2_T1w.nii.gz"


def test_two_sessions_are_asked_about_and_become_scans_of_one_group(tmp_path):
    root = write_sessions(tmp_path)
    with pytest.raises(ValueError, match="Choose with --session base or late"):
        find_subjects(root)
    scans = find_subjects(root, selection=Selection(session=("base", "late")))
    assert [(scan.id, scan.group) for scan in scans] == [("sub-1_ses-base", "sub-1"), ("sub-1_ses-late", "sub-1")]
    assert [scan.images["pet"].name[10:14] for scan in scans] == ["base", "late"]
    assert {scan.images["mr"].name for scan in scans} == {"sub-1_ses-mr_T1w.nii.gz"}
    assert all(scan.label for scan in scans)


def test_an_unknown_session_lists_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="There are: base, late, mr"):
        find_subjects(write_sessions(tmp_path), selection=Selection(session=("x",)))


def test_two_pipelines_are_asked_about(tmp_path):
    root = write_bids(tmp_path / "bids", 1)
    save(root / "derivatives/other/sub-0/anat/sub-0_desc-aseg_dseg.nii.gz", brain(0)[2])
    with pytest.raises(ValueError, match="2 candidates for a label map"):
        find_subjects(root)
    assert "other" in str(find_subjects(root, selection=Selection(segmentation="derivatives/other"))[0].label)


def test_a_freesurfer_derivative_brings_the_label(tmp_path):
    root = write_bids(tmp_path / "bids", 1)
    (root / "derivatives/fmriprep/sub-0/anat/sub-0_desc-aseg_dseg.nii.gz").unlink()
    save_mgz(root / "derivatives/freesurfer/sub-0/mri/aseg.mgz", brain(0)[2].astype(np.int32))
    assert find_subjects(root)[0].label.name == "aseg.mgz"


def test_a_subject_without_pet_is_named(tmp_path):
    root = write_bids(tmp_path / "bids")
    (root / "sub-1/pet/sub-1_trc-18FFDG_pet.nii.gz").unlink()
    with pytest.raises(ValueError, match=r"sub-1: Has the images mr; sub-0 has pet, mr"):
        find_subjects(root)
