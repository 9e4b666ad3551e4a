import pytest
import torch
from monai.transforms import GaussianSmooth
from torch import Tensor

from datamodules.patches.augmentation import (
    Augmentation,
    Intensity,
    add_noise,
    apply_intensity,
    blur,
    change_contrast,
    lower_resolution,
)


def patch(*shape: int) -> Tensor:
    return torch.rand((2, *(shape or (12, 14, 16))), generator=torch.Generator().manual_seed(0))


def test_the_default_intensity_changes_nothing():
    assert torch.equal(apply_intensity(patch(), Intensity()), patch())


def test_the_shift_is_the_same_for_all_modalities():
    torch.testing.assert_close(apply_intensity(patch(), Intensity(shift=0.07)), patch() + 0.07)


def test_every_intensity_reaches_its_transform_and_leaves_its_argument():
    original = patch()
    for intensity in (Intensity(noise=0.1), Intensity(blur=1.0), Intensity(exponent=0.8), Intensity(coarseness=2.0)):
        assert not torch.allclose(apply_intensity(original, intensity), original)
    assert torch.equal(original, patch())


def test_noise_has_the_deviation_asked_for_and_follows_its_seed():
    clean = torch.zeros(2, 30, 30, 30)
    assert add_noise(clean, 0.2, seed=1).std().item() == pytest.approx(0.2, rel=0.02)
    assert torch.equal(add_noise(clean, 0.2, seed=1), add_noise(clean, 0.2, seed=1))
    assert not torch.equal(add_noise(clean, 0.2, seed=1), add_noise(clean, 0.2, seed=2))


def test_blur_is_monais_inside_and_keeps_a_constant():
    inner = (slice(None), *[slice(5, -5)] * 3)
    expected = GaussianSmooth(1.2, approx="sampled")(patch(20, 20, 20))
    torch.testing.assert_close(blur(patch(20, 20, 20), 1.2)[inner], expected[inner], atol=2e-3, rtol=0)
    torch.testing.assert_close(blur(torch.ones(2, 7, 8, 9), 1.5), torch.ones(2, 7, 8, 9))


def test_contrast_keeps_black_and_white():
    found = change_contrast(torch.tensor([0.0, 0.25, 1.0, -0.1]), 0.5)
    torch.testing.assert_close(found, torch.tensor([0.0, 0.5, 1.0, 0.0]))


def test_lower_resolution_keeps_shape_and_mean_and_removes_detail():
    coarse = lower_resolution(patch(), 2)
    assert coarse.shape == patch().shape
    assert coarse.mean().item() == pytest.approx(patch().mean().item(), abs=1e-3)
    assert coarse.std() < 0.6 * patch().std()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"shift_probability": 1.5}, "shift_probability must be between 0 and 1"),
        ({"noise": -1.0}, "noise must be at least 0"),
        ({"scaling": 1.0}, "share below 1"),
        ({"low_resolution": 0.5}, "at least 1"),
    ],
)
def test_impossible_settings_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**setting)
