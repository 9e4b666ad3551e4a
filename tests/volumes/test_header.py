import json
from dataclasses import asdict

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import LIA

from datamodules.volumes.grid import Grid
from datamodules.volumes.header import Header
from datamodules.volumes.write import write_labels

OTHER = LIA + np.array([[0, 0, 0, 2.0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (2, 0), (0, 1), (0, 0), (4, 1)])
@pytest.mark.parametrize("units", ["mm", "unknown"])
def test_labels_carry_both_transforms_with_their_codes_and_units(tmp_path, sform, qform, units):
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.int16), LIA)
    image.set_qform(OTHER, qform)
    image.set_sform(LIA, sform)
    image.header.set_xyzt_units(units)
    nib.save(image, tmp_path / "mr.nii.gz")
    mr = nib.load(tmp_path / "mr.nii.gz")
    write_labels(
        tmp_path / "dseg.nii.gz", np.ones((4, 5, 6)), Grid.of(mr.shape, mr.affine), Header.of(tmp_path / "mr.nii.gz")
    )
    written = nib.load(tmp_path / "dseg.nii.gz")
    for entry in ("sform_code", "qform_code"):
        assert written.header[entry] == mr.header[entry]
    assert np.array_equal(written.affine, mr.affine)
    if qform:
        assert np.allclose(written.get_qform(), OTHER)
    assert written.header.get_xyzt_units()[0] == units
    assert written.header.get_intent()[0] == "label"


def test_an_image_of_a_format_without_codes_lies_in_scanner_space(tmp_path):
    nib.save(nib.MGHImage(np.zeros((4, 5, 6), np.uint8), LIA), tmp_path / "orig.mgz")
    write_labels(tmp_path / "x.nii.gz", np.ones((4, 5, 6)), Grid.of((4, 5, 6), LIA), Header.of(tmp_path / "orig.mgz"))
    written = nib.load(tmp_path / "x.nii.gz")
    assert (written.header["sform_code"], written.header["qform_code"]) == (1, 1)
    assert np.allclose(written.get_qform(), LIA)


def test_a_header_comes_back_from_json():
    header = Header(2, 1, tuple(map(tuple, OTHER.tolist())), "unknown")
    assert Header.from_dict(json.loads(json.dumps(asdict(header)))) == header
