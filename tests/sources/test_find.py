import pytest
from builders.cohorts import brain, save, write_source

from datamodules.sources.find import LAYOUTS, find_subjects


def test_a_manifest_names_modalities_by_its_columns(tmp_path):
    save(tmp_path / "a.nii.gz", brain(0)[0])
    (tmp_path / "m.csv").write_text("subject,ct,label,age,part\np1,a.nii.gz,a.nii.gz,61,test\n")
    (subject,) = find_subjects(tmp_path / "m.csv")
    assert list(subject.images) == ["ct"]
    assert (subject.group, dict(subject.covariates), subject.part) == ("p1", {"age": "61"}, "test")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("id,pet\n1,a.nii\n", "no column 'subject'; found id, pet"),
        ("subject,age\n1,a.txt\n", "no column holds image files"),
        ("", "m.csv: is empty; expected a line of column names"),
        ("subject,pet,part\n1,a.nii,dev\n", "Its part is 'dev'. Parts are train, validation, test"),
        ("subject,pet,mr\n1,a.nii,b.nii\n2,c.nii,\n", "2: Has the images pet; 1 has pet, mr"),
        ("subject,pet\n../a,a.nii\n", "The id '../a' can't name a file"),
        ("subject,pet\n", "Holds no subject"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path, text, match):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ValueError, match=match):
        find_subjects(tmp_path / "m.csv")


def test_a_label_map_alone_is_listed_to_be_checked(tmp_path):
    path = save(tmp_path / "maps/a.nii.gz", brain(0)[2])
    assert [subject.label for subject in find_subjects(path)] == [path]
    assert [subject.id for subject in find_subjects(tmp_path / "maps", "labels")] == ["a"]


def test_a_folder_of_no_known_layout_lists_the_layouts(tmp_path):
    with pytest.raises(ValueError, match=", ".join(LAYOUTS)):
        find_subjects(tmp_path)


def test_a_folder_may_stand_for_the_manifest_in_it(tmp_path):
    manifest = write_source(tmp_path, 2)
    assert find_subjects(tmp_path) == find_subjects(manifest)


def test_an_unknown_layout_lists_the_layouts(tmp_path):
    with pytest.raises(ValueError, match=f"Layout 'nnunet' isn't known: choose one of {', '.join(LAYOUTS)}"):
        find_subjects(tmp_path, "nnunet")


def test_a_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such"):
        find_subjects(tmp_path / "nowhere")
