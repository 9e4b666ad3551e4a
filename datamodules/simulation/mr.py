"""A T1-weighted MR image of a label map: tissue means and texture, point spread, bias field, Rician noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from datamodules.simulation.materials import draw_table, texture_table
from datamodules.simulation.random_fields import Floats, smooth_field, upsample


@dataclass(frozen=True)
class MRScanner:
    """Settings of the simulated MR.

    Attributes:
        noise: Standard deviation of each channel's noise, on the scale 0 to 255.
        point_spread: Standard deviation of the Gaussian point spread, in millimetres.
        bias: Standard deviation of the logarithm of the bias field.
        texture_size: Distance over which the texture within a tissue varies, in millimetres.
    """

    noise: float = 5.0
    point_spread: float = 0.7
    bias: float = 0.15
    texture_size: float = 2.0


BIAS_KNOTS = 4
ASYMMETRY = 0.01
"""Relative difference of a structure's intensity from its mirror structure's."""


def simulate_mr(
    labels: NDArray[np.int16],
    spacing: float,
    rng: np.random.Generator,
    scanner: MRScanner = MRScanner(),
) -> Floats:
    """Simulate a T1-weighted image.

    Args:
        labels: FreeSurfer labels [X, Y, Z], ids of head tissue included.
        spacing: Edge of a voxel, in millimetres.
        rng: Source of the draws.
        scanner: Settings.

    Returns:
        Intensities [X, Y, Z], 0 to 255.
    """
    image = draw_texture(rng, labels.shape, scanner.texture_size / spacing)
    image *= texture_table()[labels]
    image += draw_table(rng, "intensity", ASYMMETRY)[labels]
    ndimage.gaussian_filter(image, scanner.point_spread / spacing, truncate=3, mode="nearest", output=image)
    image *= np.exp(smooth_field(rng, BIAS_KNOTS, labels.shape, scanner.bias))
    return _rician(image, scanner.noise, rng)


def draw_texture(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Floats:
    """Smooth noise of unit deviation that varies over `size` voxels."""
    noise = rng.standard_normal([int(np.ceil(extent / max(size, 1))) + 1 for extent in shape], np.float32)
    noise = ndimage.gaussian_filter(noise, 0.6, truncate=3, mode="nearest")
    noise /= noise.std()
    return upsample(noise, shape)


def _rician(image: Floats, noise: float, rng: np.random.Generator) -> Floats:
    """Magnitude of a signal with independent Gaussian noise in its real and imaginary channels, clipped to 0..255."""
    image += np.float32(noise) * rng.standard_normal(image.shape, np.float32)
    np.square(image, out=image)
    imaginary = np.float32(noise) * rng.standard_normal(image.shape, np.float32)
    np.square(imaginary, out=imaginary)
    image += imaginary
    np.sqrt(image, out=image)
    return np.minimum(image, np.float32(255), out=image)
