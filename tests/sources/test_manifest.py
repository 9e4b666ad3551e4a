import pandas as pd
import pytest
from builders.cohorts import brain, save, write_source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.__main__ import main
from datamodules.sources.find import find_subjects, list_source
from datamodules.sources.subjects import LONGEST_ID, can_name_files
from datamodules.tables import FORMULA


def manifest(tmp_path, text):
    (tmp_path / "m.csv").write_text(text)
    return tmp_path / "m.csv"


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("x.dcm", "dcm2niix"),
        ("scans/s1", "dcm2niix"),
        ("data/s1_pet", "Name the file whole"),
        ("s1.nrrd", "or convert it"),
        ("s1.NII.GZ", "Name the file whole"),
    ],
)
def test_a_cell_of_a_modality_that_names_no_image_is_refused_by_column_and_cell(tmp_path, cell, remedy):
    (tmp_path / "scans/s1").mkdir(parents=True)
    save(tmp_path / "mr.nii.gz", brain(0)[1])
    path = manifest(tmp_path, f"subject,pet,mr,label\ns1,{cell},mr.nii.gz,mr.nii.gz\n")
    with pytest.raises(ValueError, match=f"s1: .*Column 'pet' holds '{cell}'; expected an image file") as caught:
        find_subjects(path)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("column", ["flair", "own_name"])
def test_a_column_is_no_covariate_because_all_its_cells_are_dicom(tmp_path, column):
    path = manifest(tmp_path, f"subject,mr,{column}\ns1,mr.nii.gz,a.dcm\n")
    with pytest.raises(ValueError, match=f"Column '{column}' holds 'a.dcm'"):
        find_subjects(path)


def test_one_cell_that_names_no_image_does_not_hide_the_other_subjects(tmp_path):
    write_source(tmp_path, 3)
    text = (tmp_path / "manifest.csv").read_text().replace("s1/pet.nii.gz", "s1/pet")
    listing = list_source(manifest(tmp_path, text))
    assert [subject.id for subject in listing.subjects] == ["s0", "s2"]
    assert [finding.subject for finding in listing.findings] == ["s1"]


def test_known_columns_may_be_written_in_capitals(tmp_path):
    text = write_source(tmp_path, 1).read_text().replace("subject,pet,mr,label", "Subject,PET,MR,Label")
    (subject,) = find_subjects(manifest(tmp_path, text))
    assert list(subject.files) == ["pet", "mr", "label"]


@pytest.mark.parametrize("verb", ["check", "prepare"])
def test_what_columns_are_taken_for_is_said(tmp_path, capsys, verb):
    text = write_source(tmp_path / "source", 3).read_text()
    (tmp_path / "source/m.csv").write_text(text.replace("weight", "age"))
    places = [str(tmp_path / "source/m.csv"), *([str(tmp_path / "cohort")] if verb == "prepare" else [])]
    main([verb, *places, "--protocol", "coarse9"])
    assert "Modalities: pet, mr; covariates: age\n" in capsys.readouterr().out


IDS = st.text(min_size=1, max_size=30).filter(lambda text: can_name_files(text) and not FORMULA.fullmatch(text))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=IDS, group=IDS)
def test_whatever_can_name_a_file_is_an_identity(tmp_path, name, group):
    save(tmp_path / "a.nii.gz", brain(0, 8)[0])
    row = {"subject": [name], "pet": ["a.nii.gz"], "label": ["a.nii.gz"], "group": [group]}
    pd.DataFrame(row).to_csv(tmp_path / "m.csv", index=False)
    (subject,) = find_subjects(tmp_path / "m.csv")
    assert (subject.id, subject.group) == (name, group)
    (tmp_path / f"{name}_images.npy").touch()


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "a\\b", " a", "a ", "a\nb", "\x00", "ü" * LONGEST_ID])
def test_what_can_name_no_file_is_no_identity(name):
    assert not can_name_files(name)


def test_subjects_to_leave_out_must_be_there(tmp_path):
    path = write_source(tmp_path, 3)
    listing = list_source(path, exclude=["s1"])
    assert [subject.id for subject in listing.subjects] == ["s0", "s2"]
    assert listing.left_out == {"s1": "asked for (--exclude)"}
    with pytest.raises(ValueError, match=r"--exclude names s9, which .* doesn't hold; it holds s0, s1, s2\."):
        list_source(path, exclude=["s9"])


def test_nothing_is_looked_at_of_a_subject_that_is_left_out(tmp_path):
    path = write_source(tmp_path, 3)
    (tmp_path / "s1/pet.nii.gz").unlink()
    assert not list_source(path, exclude=["s1"]).findings


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1+cmd", "@SUM(1)", "-2+3", " =1"])
@pytest.mark.parametrize("column", ["subject", "group", "scanner"])
def test_cells_that_a_spreadsheet_would_run_are_refused(tmp_path, column, cell):
    write_source(tmp_path, 1)
    row = {"subject": "s0", "pet": "s0/pet.nii.gz", "mr": "s0/mr.nii.gz", "group": "a", "scanner": "b", column: cell}
    path = tmp_path / "formula.csv"
    pd.DataFrame([row]).to_csv(path, index=False)
    found = [one for one in list_source(path).findings if one.kind == "formula"]
    assert len(found) == 1 and found[0].severity == "error" and repr(cell.strip()) in found[0].text


def test_numbers_below_zero_are_no_formulas(tmp_path):
    write_source(tmp_path, 1)
    path = manifest(tmp_path, "subject,pet,mr,label,z\n-1,s0/pet.nii.gz,s0/mr.nii.gz,s0/label.nii.gz,-0.5\n")
    assert not list_source(path).findings


def test_a_manifest_that_leads_out_of_its_folder_is_told_with_the_place(tmp_path):
    write_source(tmp_path / "far", 1)
    (tmp_path / "near").mkdir()
    (tmp_path / "near/link.nii.gz").symlink_to(tmp_path / "far/s0/mr.nii.gz")
    rows = "s0,../far/s0/pet.nii.gz,link.nii.gz\n"
    found = list_source(manifest(tmp_path / "near", f"subject,pet,mr\n{rows}")).findings
    outside = [one for one in found if one.kind == "file elsewhere"]
    assert [one.severity for one in outside] == ["warning"] * 2
    for name, one in zip(("pet", "mr"), outside, strict=True):
        assert one.text.endswith(f"to {(tmp_path / 'far/s0' / name).resolve()}.nii.gz.")
