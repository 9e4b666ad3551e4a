"""Images of any contrast: every structure's intensity drawn anew, so that a network learns shapes and not a scanner.

The idea is SynthSeg's (Billot et al., "SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without
retraining", Medical Image Analysis 2023). Here a contrast lies somewhere between the typical one of its modality and
one in which every structure has any intensity; resolution, bias field, gamma and noise vary widely, and some heads are
stripped to the brain. Such images have no unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from datamodules.simulation.anatomy import HEAD
from datamodules.simulation.materials import draw_table, mirrored
from datamodules.simulation.mr import draw_texture
from datamodules.simulation.random_fields import Floats, smooth_field

BIAS_KNOTS = 4
BRIGHTEST = {"intensity": 170.0, "uptake": 1.1}
"""What becomes 1 in a typical contrast: white matter in T1, cortex in FDG."""


DARK = 0.15
"""The brightest that air may be."""


@dataclass(frozen=True)
class Range:
    """Within what an image is drawn, evenly.

    Attributes:
        texture: Largest standard deviation within a structure, as a share of the brightest one's intensity.
        point_spread: Least and largest standard deviation of the point spread along an axis, in millimetres.
        bias: Largest standard deviation of the logarithm of the bias field.
        gamma: Standard deviation of the logarithm of gamma.
        noise: Largest standard deviation of the noise.
        stripped: Share of heads without anything but the brain.
    """

    texture: float = 0.08
    point_spread: tuple[float, float] = (0.4, 2.5)
    bias: float = 0.3
    gamma: float = 0.3
    noise: float = 0.06
    stripped: float = 0.3


def draw_image(
    labels: NDArray[np.int16], spacing: float, rng: np.random.Generator, typical: str, within: Range = Range()
) -> Floats:
    """Draw an image of a label map, in a contrast of its own.

    Args:
        labels: FreeSurfer labels [X, Y, Z], ids of head tissue included.
        spacing: Edge of a voxel, in millimetres.
        rng: Source of the draws.
        typical: The quantity of `materials` that a typical contrast shows: "intensity" or "uptake".
        within: What is drawn.

    Returns:
        Intensities [X, Y, Z] in [0, 1].
    """
    means = draw_contrast(rng, typical)
    if rng.random() < within.stripped:
        means[[0, *HEAD]] = 0
    spreads = mirrored(rng.uniform(0, within.texture, HEAD.stop)).astype(np.float32)
    image = draw_texture(rng, labels.shape, rng.uniform(1, 4) / spacing)
    image *= spreads[labels] * (means[labels] > 0)
    image += means[labels]
    widths = rng.uniform(*within.point_spread, 3) / spacing
    ndimage.gaussian_filter(image, widths, truncate=3, mode="nearest", output=image)
    image *= np.exp(smooth_field(rng, BIAS_KNOTS, labels.shape, rng.uniform(0, within.bias)))
    image += np.float32(rng.uniform(0, within.noise)) * rng.standard_normal(image.shape, np.float32)
    shown: Floats = np.clip(image / np.percentile(image, 99.9), 0, 1)
    np.power(shown, np.float32(np.exp(rng.normal(0, within.gamma))), out=shown)
    return shown


def draw_contrast(rng: np.random.Generator, typical: str) -> Floats:
    """Draw the mean intensity of every label, [1000]: between a typical contrast and any, the same on both sides."""
    known: Floats = draw_table(rng, typical, asymmetry=0.01) / np.float32(BRIGHTEST[typical])
    anything = mirrored(rng.uniform(0, 1, HEAD.stop))
    anything[0] *= DARK
    strangeness = rng.uniform()
    return np.asarray((1 - strangeness) * known + strangeness * anything, np.float32)
