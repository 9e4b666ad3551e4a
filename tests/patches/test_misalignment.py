import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from datamodules.patches.displace import displace
from datamodules.patches.misalignment import Displacement, Misalignment

SPACING = (1.0, 2.0, 1.5)
ALONG_Z = (0.0, 0.0, 1.0)


def blob(*middle: float, shape: tuple[int, ...] = (40, 30, 36)) -> Tensor:
    """A ball with soft edges around a voxel."""
    offsets = [(torch.arange(side) - at) * mm for side, at, mm in zip(shape, middle, SPACING, strict=True)]
    squares = offsets[0][:, None, None] ** 2 + offsets[1][:, None] ** 2 + offsets[2] ** 2
    return torch.exp(-squares / 12)


def centre_mm(volume: Tensor) -> np.ndarray:
    return np.array(ndimage.center_of_mass(volume.numpy())) * SPACING


def moved_by(shift=(0.0, 0.0, 0.0), axis=ALONG_Z, degrees=0.0) -> Displacement:
    return Displacement(shift, axis, math.radians(degrees))


def test_a_shift_moves_what_is_seen_by_so_many_millimetres():
    before = blob(20, 15, 18)
    after = displace(before, moved_by(shift=(3.0, -2.5, 1.2)), SPACING)
    np.testing.assert_allclose(centre_mm(after) - centre_mm(before), (3.0, -2.5, 1.2), atol=0.02)


def test_a_rotation_turns_about_the_middle_in_millimetres_whatever_the_voxels():
    before = blob(27, 14.5, 17.5)  # 7.5 mm from the middle along the first axis
    after = displace(before, moved_by(degrees=90), SPACING)
    middle = (np.array(before.shape) - 1) / 2 * SPACING
    np.testing.assert_allclose(centre_mm(after) - middle, (0, 7.5, 0), atol=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_any_displacement_is_that_of_scipy(seed: int):
    generator = np.random.default_rng(seed)
    displacement = Displacement.drawn(Misalignment(3.0, 8.0), generator)
    volume = torch.from_numpy(generator.random((18, 16, 20), dtype=np.float32))
    spacing = np.array(SPACING)
    back = np.diag(1 / spacing) @ displacement.matrix().T @ np.diag(spacing)
    middle = (np.array(volume.shape) - 1) / 2
    start = middle - back @ (middle + displacement.shift_mm / spacing)
    expected = ndimage.affine_transform(volume.numpy(), back, start, order=1, mode="nearest")
    np.testing.assert_allclose(displace(volume, displacement, SPACING), expected, atol=2e-4)


def test_no_displacement_changes_nothing():
    volume = torch.rand(7, 1, 9)
    torch.testing.assert_close(displace(volume, moved_by(), SPACING), volume, atol=1e-5, rtol=0)


def test_a_displacement_has_the_size_asked_for_and_any_direction():
    generator = np.random.default_rng(0)
    drawn = [Displacement.drawn(Misalignment(2.0, 5.0), generator) for _ in range(500)]
    lengths = [np.linalg.norm(one.shift_mm) for one in drawn]
    np.testing.assert_allclose(lengths, 2.0)
    assert {round(math.degrees(one.radians), 9) for one in drawn} == {5.0}
    assert np.abs(np.mean([one.shift_mm for one in drawn], axis=0)).max() < 0.2
    turned = drawn[0].matrix()
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1)
    assert np.trace(turned) == pytest.approx(1 + 2 * math.cos(math.radians(5)))


@pytest.mark.parametrize(
    ("text", "size", "name"),
    [
        ("2mm", (2, 0), "2mm"),
        (" 2.50 mm", (2.5, 0), "2.5mm"),
        ("3deg", (0, 3), "3deg"),
        ("2mm,3deg", (2, 3), "2mm-3deg"),
        ("2mm-3degrees", (2, 3), "2mm-3deg"),
    ],
)
def test_a_size_has_one_name_however_it_is_written(text: str, size: tuple[float, float], name: str):
    found = Misalignment.parse(text)
    assert (found.mm, found.degrees) == size and str(found) == name


@pytest.mark.parametrize("text", ["", "2", "mm", "2cm", "-2mm", "2mm 3mm", "200deg"])
def test_a_size_that_is_none_is_refused(text: str):
    with pytest.raises(ValueError, match=r"isn't understood: write 2mm|A misalignment is at least"):
        Misalignment.parse(text)
