"""An FDG PET image of a label map: regional uptake, scanner's resolution, counting noise.

The activity is averaged onto the scanner's grid, blurred by its point spread, counted (Poisson), filtered as after
reconstruction, and interpolated back. The cortex carries a low-frequency pattern of its own, and some subjects a
one-sided hypometabolic focus that the MR does not show.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from datamodules.simulation.materials import draw_table
from datamodules.simulation.random_fields import Floats, resample_axis, smooth_field

CORTEX = (3, 42)
FWHM = 2.355
"""Full width at half maximum of a Gaussian, in standard deviations."""


@dataclass(frozen=True)
class PETScanner:
    """Settings of the simulated PET.

    Attributes:
        grid: Edge of the scanner's voxels, in millimetres.
        resolution: Full width at half maximum of the scanner's point spread, in millimetres.
        filter: The same of the filter after reconstruction.
        counts: Mean counts of a voxel of average cortex (34,000 Bq/ml).
        background: Mean counts of randoms and scatter left in a voxel.
        largest: Activities are clipped here, in Bq/ml.
    """

    grid: float = 2.0
    resolution: float = 4.0
    filter: float = 2.5
    counts: float = 60.0
    background: float = 0.15
    largest: float = 137_919.0


@dataclass(frozen=True)
class Metabolism:
    """How metabolism varies within and between subjects.

    Attributes:
        asymmetry: Relative difference of a structure's uptake from its mirror structure's.
        cortical_variation: Relative standard deviation of the cortex's low-frequency pattern.
        front_to_back: Relative excess of frontal and occipital over temporal cortex.
        focus_probability: Share of subjects with a hypometabolic focus.
        focus_radius: Least and largest standard deviation of the focus, in millimetres.
        focus_depth: Least and largest loss of uptake in its centre.
    """

    asymmetry: float = 0.03
    cortical_variation: float = 0.08
    front_to_back: float = 0.06
    focus_probability: float = 0.35
    focus_radius: tuple[float, float] = (12.0, 28.0)
    focus_depth: tuple[float, float] = (0.2, 0.5)


def simulate_pet(
    labels: NDArray[np.int16],
    spacing: float,
    rng: np.random.Generator,
    *,
    cortical_activity: float = 34_000.0,
    scanner: PETScanner = PETScanner(),
    metabolism: Metabolism = Metabolism(),
) -> Floats:
    """Simulate an FDG image.

    Args:
        labels: FreeSurfer labels [X, Y, Z], ids of head tissue included.
        spacing: Edge of a voxel, in millimetres.
        rng: Source of the draws.
        cortical_activity: Mean activity of the cortex, in Bq/ml.
        scanner: Settings of the scanner.
        metabolism: Settings of the tracer's distribution.

    Returns:
        Activity concentrations [X, Y, Z] in Bq/ml.
    """
    activity = draw_uptake(labels, spacing, rng, metabolism)
    factor = max(1, round(scanner.grid / spacing))
    voxel = spacing * factor
    native = average(activity, factor)
    # A voxel's own width already blurs: a box of width w has variance w^2 / 12.
    averaging = voxel**2 / 12 if factor > 1 else 0.0
    native = _blur(native, np.sqrt(max((scanner.resolution / FWHM) ** 2 - averaging, 0.0)) / voxel)
    counts = scanner.counts * cortical_activity / 34_000 * rng.uniform(0.6, 1.5)
    native = (rng.poisson(native * counts + scanner.background) / counts).astype(np.float32)
    image = enlarge(_blur(native, scanner.filter / FWHM / voxel), factor, labels.shape)
    image *= np.float32(cortical_activity)
    return np.clip(image, 0, np.float32(scanner.largest), out=image)


def draw_uptake(labels: NDArray[np.int16], spacing: float, rng: np.random.Generator, metabolism: Metabolism) -> Floats:
    """Draw the true distribution of uptake [X, Y, Z], neocortex = 1, before the scanner."""
    uptake: Floats = draw_table(rng, "uptake", metabolism.asymmetry)[labels]
    pattern = smooth_field(rng, 6, labels.shape, metabolism.cortical_variation)
    along = np.linspace(-1, 1, labels.shape[1], dtype=np.float32)[:, None]
    pattern += np.float32(metabolism.front_to_back) * -np.cos(np.pi * along)
    cortex = (labels == CORTEX[0]) | (labels == CORTEX[1])
    uptake[cortex] *= 1 + pattern[cortex]
    if rng.random() < metabolism.focus_probability:
        uptake *= 1 - _draw_focus(labels, spacing, rng, metabolism)
    return uptake


def _draw_focus(labels: NDArray[np.int16], spacing: float, rng: np.random.Generator, metabolism: Metabolism) -> Floats:
    """Draw the relative loss of uptake about a random place of one side's cortex."""
    cortex = np.argwhere(labels == rng.choice(CORTEX))
    centre = cortex[rng.integers(len(cortex))] if len(cortex) else np.array(labels.shape) // 2
    radius = rng.uniform(*metabolism.focus_radius) / spacing
    depth = np.float32(rng.uniform(*metabolism.focus_depth))
    x, y, z = (
        np.exp(-0.5 * ((np.arange(extent, dtype=np.float32) - c) / radius) ** 2, dtype=np.float32)
        for extent, c in zip(labels.shape, centre, strict=True)
    )
    focus: Floats = depth * x[:, None, None] * y[:, None] * z
    return focus


def average(volume: Floats, factor: int) -> Floats:
    """Mean of blocks of `factor` voxels along each axis; the border is repeated where blocks do not fill up."""
    missing = [(0, -extent % factor) for extent in volume.shape]
    if any(after for _, after in missing):
        volume = np.pad(volume, missing, mode="edge")
    for axis in range(3):
        split = (*volume.shape[:axis], -1, factor, *volume.shape[axis + 1 :])
        volume = volume.reshape(split).mean(axis + 1, dtype=np.float32)
    return volume


def enlarge(volume: Floats, factor: int, shape: tuple[int, ...]) -> Floats:
    """Interpolate block means linearly back to `shape`: the inverse geometry of `average`."""
    if factor == 1:
        return volume
    for axis in (2, 1, 0):
        volume = resample_axis(volume, (np.arange(shape[axis]) + 0.5) / factor - 0.5, axis)
    return volume


def _blur(volume: Floats, deviation: float) -> Floats:
    blurred: Floats = ndimage.gaussian_filter(volume, deviation, truncate=3, mode="nearest")
    return blurred
