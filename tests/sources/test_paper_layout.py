from pathlib import Path

import pytest
from builders.sources import write_paper_layout

from datamodules.sources.find import find_subjects, list_source
from datamodules.sources.paper_layout import subject_name


def test_images_and_labels_are_paired_by_name_and_keep_their_part(tmp_path):
    subjects = find_subjects(write_paper_layout(tmp_path))
    assert [(subject.id, subject.part) for subject in subjects] == [
        ("p1", "train"),
        ("p2", "train"),
        ("p3", "validation"),
        ("p4", "test"),
    ]
    assert [path.name for path in subjects[0].files.values()] == ["p1_PET.nii.gz", "p1_MR.nii.gz", "p1_label.nii.gz"]


def test_a_file_without_its_pair_is_named_though_the_order_would_pair_it(tmp_path):
    write_paper_layout(tmp_path)
    (tmp_path / "data_MR/imagesTr/p2_MR.nii.gz").rename(tmp_path / "data_MR/imagesTr/p9_MR.nii.gz")
    assert [(one.subject, one.text) for one in list_source(tmp_path).findings] == [
        ("p2", "There is no mr of the same name as this pet."),
        ("p9", "There is no pet of the same name as this mr."),
        ("p2", "There is no pet and mr of the same name as this label."),
    ]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("p1_PET.nii.gz", "p1"),
        ("PET_p1.nii.gz", "p1"),
        ("sub-01_T1w.nii.gz", "sub-01"),
        ("case_0012.nii", "case_0012"),
        ("p1_mr_seg.nii.gz", "p1"),
        ("Demetri.nii.gz", "Demetri"),
        ("pet.nii.gz", "pet"),
    ],
)
def test_words_for_the_kind_of_image_are_no_part_of_the_name(file, name):
    assert subject_name(Path(file)) == name
