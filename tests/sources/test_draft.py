import pytest
from builders.cohorts import brain, save
from builders.sources import write_bids

from datamodules.sources.draft import draft_manifest, role_of, subject_of


@pytest.mark.parametrize(
    ("path", "role", "subject"),
    [
        ("s1/pet", "pet", "s1"),
        ("s1/mri/aparc+aseg", "label", "s1"),
        ("sub-01_ses-a_trc-18FFDG_pet", "pet", "sub-01_ses-a"),
        ("sub-01_ses-a_T1w", "mr", "sub-01_ses-a"),
        ("data_PET/imagesTr/p1", "pet", "p1"),
        ("Müller Hans FDG", "pet", "Müller Hans"),
        ("PET-s7", "pet", "s7"),
        ("s1_desc-aseg_dseg", "label", "s1"),
        ("patient 3/MPRAGE", "mr", "patient 3"),
        ("s1_T1_seg", "label", "s1"),
        ("s1_flair", "flair", "s1"),
        ("case12", None, "case12"),
        ("Petra/x", None, "x"),
    ],
)
def test_names_tell_what_a_file_holds_and_whose_it_is(path, role, subject):
    assert role_of(path.split("/")) == role
    assert subject_of(path.split("/")) == subject


def fill(folder, *names):
    for name in names:
        save(folder / name, brain(0, 8)[0])


def test_a_draft_has_a_row_for_each_subject_and_asks_about_the_rest(tmp_path):
    fill(
        tmp_path,
        "a_pet.nii.gz",
        "a_T1w.nii.gz",
        "a_dseg.nii.gz",
        "b_pet.nii.gz",
        "b/pet.nii.gz",
        "b_T1w.nii.gz",
        "x.nii",
    )
    draft = draft_manifest(tmp_path, tmp_path / "manifest.csv")
    assert draft.table.to_dict("records") == [
        {"subject": "a", "pet": "a_pet.nii.gz", "mr": "a_T1w.nii.gz", "label": "a_dseg.nii.gz", "group": "a"},
        {"subject": "b", "pet": "", "mr": "b_T1w.nii.gz", "label": "", "group": "b"},
    ]
    assert draft.open_questions == (
        "x.nii: its name doesn't say what it holds.",
        "b: which is its pet? b/pet.nii.gz, b_pet.nii.gz.",
        "b: no label.",
    )


def test_sessions_of_a_person_form_a_group_and_paths_start_at_the_manifest(tmp_path):
    write_bids(tmp_path / "bids", 1)
    fill(tmp_path / "bids", "sub-0/ses-b/pet/sub-0_ses-b_pet.nii.gz")
    table = draft_manifest(tmp_path / "bids", tmp_path / "out/manifest.csv").table
    assert dict(zip(table["subject"], table["group"], strict=True)) == {"sub-0": "sub-0", "sub-0_ses-b": "sub-0"}
    assert table["mr"][0] == "../bids/sub-0/anat/sub-0_T1w.nii.gz"


def test_a_folder_that_tells_nothing_is_refused(tmp_path):
    fill(tmp_path, "x.nii.gz")
    with pytest.raises(ValueError, match="holds no image whose name says what it holds"):
        draft_manifest(tmp_path, tmp_path / "manifest.csv")
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        draft_manifest(tmp_path / "nowhere", tmp_path / "manifest.csv")
