from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from datamodules.simulation.anatomy import (
    Variation,
    fold_to_aseg,
    integrate,
    random_displacement,
    read_anatomy,
    rotation,
    vary,
)
from datamodules.simulation.phantom import phantom_labels

STILL = Variation(rotation=0, scaling=0, shear=0, shift=0, velocity=0)


def save(path: Path, labels: np.ndarray, orientation: str = "RAS", spacing: float = 4.0) -> Path:
    image = nib.Nifti1Image(labels, np.diag([spacing, spacing, spacing, 1.0]))
    codes = nib.orientations.axcodes2ornt(orientation)
    ras = nib.orientations.axcodes2ornt("RAS")
    nib.save(image.as_reoriented(nib.orientations.ornt_transform(ras, codes)), path)
    return path


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    return phantom_labels(0, 64, 4.0)


def test_an_anatomy_is_the_same_in_any_orientation_and_storage_type(tmp_path, head):
    ras = vary(read_anatomy(save(tmp_path / "ras.nii.gz", head)), 1, 32, 6.0)
    lia = vary(read_anatomy(save(tmp_path / "lia.nii.gz", head.astype(np.float32), "LIA")), 1, 32, 6.0)
    np.testing.assert_array_equal(ras, lia)


def test_without_variation_the_source_comes_back_about_its_centroid(tmp_path, head):
    source = read_anatomy(save(tmp_path / "head.nii.gz", head))
    still = vary(source, 0, 64, 4.0, variation=STILL)
    brain = np.argwhere((head > 0) & (head < 500))
    shift = np.rint(brain.mean(0) - 31.5).astype(int)
    expected = np.roll(head, tuple(-shift), (0, 1, 2))
    inner = (slice(8, -8),) * 3
    assert (still[inner] == expected[inner]).mean() > 0.999


def test_each_seed_is_another_anatomy(tmp_path, head):
    source = read_anatomy(save(tmp_path / "head.nii.gz", head))
    first, again, other = (vary(source, seed, 32, 6.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.02


def test_one_seed_is_the_same_anatomy_on_every_grid(tmp_path, head):
    source = read_anatomy(save(tmp_path / "head.nii.gz", head))
    coarse, fine = vary(source, 1, 20, 9.0), vary(source, 1, 60, 3.0)
    np.testing.assert_array_equal(coarse, fine[1::3, 1::3, 1::3])


def test_the_warp_never_folds():
    variation = Variation()
    displacement = random_displacement(np.random.default_rng(0), variation)
    step = 256 / (variation.grid - 1)
    jacobian = np.stack([np.stack(np.gradient(component, step)) for component in displacement], axis=-1)
    determinant = np.linalg.det(np.moveaxis(jacobian, 0, -2) + np.eye(3))
    assert np.abs(displacement).max() > 3
    assert determinant.min() > 0


def test_integrating_there_and_back_returns():
    variation = Variation()
    velocity = random_displacement(np.random.default_rng(0), variation) / 3
    there, back = integrate(velocity, 5.4, 6), integrate(-velocity, 5.4, 6)
    points = np.indices(there.shape[1:], np.float32)
    onward = np.stack([ndimage.map_coordinates(c, points + there / 5.4, order=1, mode="nearest") for c in back])
    inner = (slice(None), *(slice(6, -6),) * 3)
    assert np.abs((there + onward)[inner]).max() < 0.1 * np.abs(there).max()


def test_rotation_turns_the_second_axis_to_the_third():
    np.testing.assert_allclose(rotation(np.array([np.pi / 2, 0, 0])) @ [0, 1, 0], [0, 0, 1], atol=1e-12)


def test_parcels_and_synthseg_ids_are_folded_and_head_tissue_stays():
    found = np.array([1035, 2001, 3005, 5002, 80, 25, 57, 136, 164, 507, 999, 0], np.int32)
    np.testing.assert_array_equal(fold_to_aseg(found), [3, 42, 2, 41, 77, 77, 77, 31, 63, 507, 999, 0])


def test_unknown_ids_are_listed_with_the_file(tmp_path, head):
    path = save(tmp_path / "odd.nii.gz", np.where(head == 17, 300, head).astype(np.int16))
    with pytest.raises(ValueError, match=rf"odd\.nii\.gz: .*300 \({(head == 17).sum()} voxels\)"):
        read_anatomy(path)


def test_a_map_without_a_brain_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"empty\.nii\.gz: expected a 3-D map with brain structures"):
        read_anatomy(save(tmp_path / "empty.nii.gz", np.zeros((8, 8, 8), np.int16)))


def test_a_truncated_map_is_named(tmp_path, head):
    path = save(tmp_path / "cut.nii.gz", head)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises((ValueError, OSError), match=r"cut\.nii\.gz"):
        read_anatomy(path)
