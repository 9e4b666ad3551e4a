import json

import nibabel as nib
import pytest
from builders.cohorts import COARSE, write_source

from datamodules.checks.source import check_source
from datamodules.sources.find import list_source


def told(manifest):
    return {(one.subject, one.text) for one in check_source(list_source(manifest), COARSE) if one.kind == "personal"}


def relabel(path, **texts):
    image = nib.load(path)
    whole = nib.Nifti1Image(image.get_fdata(), image.affine)
    for name, text in texts.items():
        whole.header[name] = text
    return whole


def test_a_source_that_says_nothing_of_a_person_is_told_nothing(tmp_path):
    manifest = write_source(tmp_path, 2)
    path = tmp_path / "s0/mr.nii.gz"
    nib.save(relabel(path, descrip="TE=2.9;Time=103320.095"), path)
    (tmp_path / "s1/pet.json").write_text(json.dumps({"Units": "Bq/mL", "PatientName": ""}))
    assert told(manifest) == set()


def test_names_dates_and_texts_are_told_with_the_field_and_never_with_its_value(tmp_path):
    manifest = write_source(tmp_path, 3)
    path = tmp_path / "s0/mr.nii.gz"
    image = relabel(path, descrip="Erika Mustermann", aux_file="ward 7")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"born 1950"))
    nib.save(image, path)
    secret = {"Acquisition": {"PatientBirthDate": "19500101"}, "InstitutionAddress": "Somewhere 1"}
    (tmp_path / "s1/pet.json").write_text(json.dumps({"Units": "Bq/mL", **secret}))
    assert told(manifest) == {
        ("s0", "Its header has text in descrip, aux_file, extensions."),
        ("s1", "Its sidecar has PatientBirthDate, InstitutionAddress."),
    }


@pytest.mark.parametrize("column", ["name", "surname", "date_of_birth", "DOB", "MRN", "Patient ID", "e-mail"])
def test_covariates_that_name_a_person_are_told(tmp_path, column):
    manifest = write_source(tmp_path, 1)
    manifest.write_text(manifest.read_text().replace("weight", column))
    assert told(manifest) == {("s0", f"Its covariates have {column}.")}
