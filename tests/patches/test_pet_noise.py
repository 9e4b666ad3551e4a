import pytest
import torch

from datamodules.patches.pet_noise import NOISE_LEVELS, noise_share, pet_noise

UNIFORM = torch.full((40, 40, 40), 2.0)
EVERYWHERE = torch.ones(40, 40, 40, dtype=torch.bool)


@pytest.mark.parametrize("correlation", [0.0, 1.0])
@pytest.mark.parametrize("level", ["low", "moderate", "high"])
def test_a_level_is_the_deviation_as_a_share_of_the_mean_uptake(level, correlation):
    noisy = pet_noise(UNIFORM, level, EVERYWHERE, seed=0, correlation=correlation)
    assert noisy.std().item() / 2 == pytest.approx(NOISE_LEVELS[level], rel=0.05)
    assert noisy.mean().item() == pytest.approx(2, rel=0.01)


def test_variance_grows_with_uptake():
    halves = torch.cat([torch.full((20, 40, 40), 1.0), torch.full((20, 40, 40), 4.0)])
    noise = pet_noise(halves, 0.1, EVERYWHERE, seed=0, correlation=0) - halves
    assert noise[20:].std().item() / noise[:20].std().item() == pytest.approx(2, rel=0.05)


def test_the_unit_of_uptake_does_not_matter():
    rescaled = pet_noise(1000 * UNIFORM, "high", EVERYWHERE, seed=3) / 1000
    torch.testing.assert_close(rescaled, pet_noise(UNIFORM, "high", EVERYWHERE, seed=3), atol=1e-5, rtol=1e-5)


def test_no_noise_and_no_uptake_stay_as_they_are():
    assert torch.equal(pet_noise(UNIFORM, "none", EVERYWHERE, seed=0), UNIFORM)
    scan = UNIFORM.clone()
    scan[:5] = 0
    assert not pet_noise(scan, "severe", scan > 0, seed=0)[:5].any()


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="Choose one of: none, low"):
        noise_share("loud")
    with pytest.raises(ValueError, match="at least 0"):
        noise_share(-0.1)
    with pytest.raises(ValueError, match="mask is empty"):
        pet_noise(UNIFORM, "low", ~EVERYWHERE, seed=0)
