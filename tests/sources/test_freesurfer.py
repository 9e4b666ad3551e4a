import numpy as np
import pytest
from builders.cohorts import COARSE, LIA, brain, save
from builders.sources import save_mgz, write_freesurfer

from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.sources.find import find_subjects, list_source
from datamodules.sources.subjects import Selection


def test_subject_folders_are_recognised_and_prepared(tmp_path):
    source, selection = write_freesurfer(tmp_path)
    subjects = find_subjects(source, selection=selection)
    assert [subject.id for subject in subjects] == ["ann", "ann2"]
    assert [subject.images["pet"].name for subject in subjects] == ["ann_pet.nii.gz", "ann2_pet.nii.gz"]
    cohort = prepare(subjects, tmp_path / "cohort", COARSE)
    labels, grid = cohort.restore("ann", np.asarray(cohort.label("ann")))
    np.testing.assert_array_equal(labels, brain(0)[2])
    np.testing.assert_allclose(grid.matrix, LIA)


@pytest.mark.parametrize("name", ["aparc+aseg.mgz", "aparc.DKTatlas+aseg.deep.withCC.mgz", "wmparc.mgz"])
def test_parcellations_are_found_and_folded(tmp_path, name):
    source, selection = write_freesurfer(tmp_path, ["ann"])
    folder = source / "ann/mri"
    parcels = brain(0)[2].astype(np.int32)
    parcels[parcels == 3] = 1015
    (folder / "aseg.mgz").unlink()
    save_mgz(folder / name, parcels)
    cohort = prepare(find_subjects(source, selection=selection), tmp_path / "cohort", COARSE)
    np.testing.assert_array_equal(cohort.truth("ann")[0], brain(0)[2])


def test_of_several_label_maps_the_named_one_is_taken(tmp_path):
    source, selection = write_freesurfer(tmp_path, ["ann"])
    save_mgz(source / "ann/mri/aparc+aseg.mgz", brain(0)[2].astype(np.int32))
    assert find_subjects(source, selection=selection)[0].label.name == "aseg.mgz"
    named = Selection(pet=selection.pet, segmentation="aparc")
    assert find_subjects(source, selection=named)[0].label.name == "aparc+aseg.mgz"


def test_pet_is_matched_by_name_never_by_order(tmp_path):
    source, selection = write_freesurfer(tmp_path)
    save(tmp_path / "pet/ann_late.nii.gz", brain(0)[0])
    (tmp_path / "pet/ann2_pet.nii.gz").unlink()
    found = [str(finding) for finding in list_source(source, selection=selection).findings]
    assert any("2 PET images are named after it: ann_late.nii.gz, ann_pet.nii.gz" in text for text in found)
    assert any("No PET image is named after ann2" in text for text in found)


def test_label_maps_of_two_kinds_are_warned_of(tmp_path):
    source, selection = write_freesurfer(tmp_path)
    (source / "ann/mri/aseg.mgz").rename(source / "ann/mri/wmparc.mgz")
    (finding,) = list_source(source, selection=selection).findings
    assert "2 kinds: aseg.mgz, wmparc.mgz" in finding.text


def test_without_a_folder_of_pet_the_cohort_is_of_mr_alone(tmp_path):
    source, _ = write_freesurfer(tmp_path)
    assert prepare(find_subjects(source), tmp_path / "cohort", PrepareSettings("coarse9")).modalities == ("mr",)
    assert [one.text for one in list_source(source).findings] == [
        "Subjects of MR alone: FreeSurfer's folders hold no PET."
    ]
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder of PET"):
        find_subjects(source, selection=Selection(pet=tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["T1.mgz", "brain.mgz", "norm.mgz"])
def test_where_orig_is_missing_the_next_best_image_is_taken(tmp_path, name):
    source, _ = write_freesurfer(tmp_path, ["ann"])
    (source / "ann/mri/orig.mgz").rename(source / "ann/mri" / name)
    assert find_subjects(source)[0].images["mr"].name == name


def test_images_with_and_without_skull_are_warned_of(tmp_path):
    source, _ = write_freesurfer(tmp_path)
    (source / "ann/mri/orig.mgz").rename(source / "ann/mri/brain.mgz")
    finding = list_source(source).findings[0]
    assert "2 kinds: brain.mgz, orig.mgz; brain and norm lack the skull" in finding.text
