"""PET noise at a named level, for the robustness experiment."""

from types import MappingProxyType

import torch
from torch import Tensor

from datamodules.patches.augmentation import blur

# Standard deviation of the added noise where uptake is the brain's mean, as a share of that mean. A scan that has noise
# n of its own and gets level l on top is as noisy as one with the share n^2 / (n^2 + l^2) of its counts.
NOISE_LEVELS = MappingProxyType({"none": 0.0, "low": 0.05, "moderate": 0.1, "high": 0.2, "severe": 0.4})
CORRELATION = 1.0  # standard deviation in voxels of the Gaussian that correlates the noise, as reconstruction does


def pet_noise(pet: Tensor, level: str | float, brain: Tensor, *, seed: int, correlation: float = CORRELATION) -> Tensor:
    """Add noise as fewer counts would.

    The variance is proportional to the local uptake, as it is after an iterative (OSEM) reconstruction: where uptake is
    u, and m on average in the brain, the standard deviation is level * sqrt(u * m). Neighbouring voxels are correlated.

    Args:
        pet: Uptake in any unit, `[D, H, W]`.
        level: A name in `NOISE_LEVELS`, or the share itself.
        brain: Where the mean uptake is taken, boolean `[D, H, W]`.
        seed: The same seed gives the same noise on the same kind of device.
        correlation: Standard deviation in voxels of the Gaussian that the noise is filtered with; 0 leaves it white.

    Returns:
        The noisy uptake, at least 0, `[D, H, W]`.

    Raises:
        ValueError: If the level is unknown or negative, or the brain is empty.
    """
    share = noise_share(level)
    if not brain.any():
        raise ValueError("PET noise is scaled by the mean uptake of the brain, but the brain mask is empty.")
    generator = torch.Generator(pet.device).manual_seed(seed)
    noise = torch.randn(pet.shape, generator=generator, device=pet.device)
    if correlation > 0:
        noise = blur(noise[None], correlation)[0]
        noise = noise / noise.std()
    uptake = pet.float().clamp(min=0)
    return (uptake + share * (uptake * uptake[brain].mean()).sqrt() * noise).clamp_(min=0)


def noise_share(level: str | float) -> float:
    """The share that a level of noise stands for.

    Raises:
        ValueError: If it is unknown or negative.
    """
    if isinstance(level, str):
        if level not in NOISE_LEVELS:
            raise ValueError(f"Unknown PET noise level {level!r}. Choose one of: {', '.join(NOISE_LEVELS)}.")
        return NOISE_LEVELS[level]
    if level < 0:
        raise ValueError(f"A PET noise level is a share of at least 0, got {level}.")
    return level
