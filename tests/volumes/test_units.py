import nibabel as nib
import numpy as np
import pytest

from datamodules.volumes.units import ARBITRARY, CONFORMED, numbers_of


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("Bq/mL", "Bq/ml"),
        ("BQML", "Bq/ml"),
        ("kBq / mL", "kBq/ml"),
        ("MBq/cc", "MBq/ml"),
        ("SUVbw", "SUV"),
        ("g/mL", "SUV"),
        ("counts", "counts"),
        (CONFORMED, CONFORMED),
    ],
)
def test_a_unit_is_known_however_it_is_written(tmp_path, written, numbers):
    assert numbers_of(tmp_path / "not-read.nii", {"Units": written}) == numbers


@pytest.mark.parametrize(
    ("dtype", "side", "slope", "numbers"),
    [
        (np.uint8, 1.0, None, CONFORMED),
        (np.uint8, 1.0, 2.0, ARBITRARY),
        (np.uint8, 0.8, None, ARBITRARY),
        (np.int16, 1.0, None, ARBITRARY),
        (np.float32, 1.0, None, ARBITRARY),
    ],
)
@pytest.mark.parametrize("suffix", [".nii.gz", ".mgz"])
def test_bytes_in_cubic_millimetres_are_as_freesurfer_conforms(tmp_path, dtype, side, slope, numbers, suffix):
    if slope and suffix == ".mgz":
        pytest.skip("MGH has no slope")
    kind = nib.Nifti1Image if suffix == ".nii.gz" else nib.MGHImage
    image = kind(np.zeros((4, 4, 4), dtype), np.diag([-side, side, side, 1]))
    if slope:
        image.header.set_slope_inter(slope, 0)
    nib.save(image, tmp_path / f"t1{suffix}")
    assert numbers_of(tmp_path / f"t1{suffix}", {}) == numbers


def test_a_file_that_cannot_be_read_has_arbitrary_numbers(tmp_path):
    (tmp_path / "x.nii.gz").write_bytes(b"nothing")
    assert numbers_of(tmp_path / "x.nii.gz", {}) == numbers_of(tmp_path / "nowhere.nii", {}) == ARBITRARY
