"""What training patches go through besides cutting: the settings, and the intensity transforms as pure functions.

Every transform works on `[M, D, H, W]` on any device and leaves its argument as it was.
"""

import math
from dataclasses import dataclass, field, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules.patches.misalignment import Misalignment


@dataclass(frozen=True)
class Augmentation:
    """How far patches are varied. The defaults are the paper's; what is 0 (or a factor of 1) is off.

    Attributes:
        rotation: Largest angle about the third axis, so in the X-Y plane, in radians.
        scaling: Largest change of size along each axis, as a share.
        shift: Largest offset added to the intensities of all modalities.
        shift_probability: How often intensities are shifted.
        mirror_probability: How often left and right are exchanged, in the image and in the labels' meaning.
        noise: Largest standard deviation of Gaussian noise.
        blur: Largest standard deviation of Gaussian blur, in voxels.
        contrast: Largest change of the exponent in `intensity ** exponent`, on a logarithmic scale: 0.3 stands for
            exponents from exp(-0.3) to exp(0.3).
        low_resolution: Largest factor by which voxels are made coarser before they are interpolated back.
        optional_probability: How often each of noise, blur, contrast and low resolution is applied, where it is on.
        misalignment: Largest displacement of the PET against all else.
        modality_dropout: Modality to how often it is missing (0 everywhere); never all of them at once.
    """

    rotation: float = math.pi / 15
    scaling: float = 0.1
    shift: float = 0.1
    shift_probability: float = 0.5
    mirror_probability: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    contrast: float = 0.0
    low_resolution: float = 1.0
    optional_probability: float = 0.15
    misalignment: Misalignment = Misalignment()  # noqa: RUF009  frozen
    modality_dropout: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if odd := [f"{name} {share}" for name, share in self.modality_dropout.items() if not 0 <= share <= 1]:
            raise ValueError(f"Augmentation modality_dropout is a probability of each modality, got {', '.join(odd)}.")
        for name in (each.name for each in fields(self) if each.type is float):
            value = getattr(self, name)
            if value < 0 or (name.endswith("probability") and value > 1):
                allowed = "between 0 and 1" if name.endswith("probability") else "at least 0"
                raise ValueError(f"Augmentation {name} must be {allowed}, got {value}.")
        if self.scaling >= 1:
            raise ValueError(f"Augmentation scaling is a share below 1, got {self.scaling}.")
        if self.low_resolution < 1:
            raise ValueError(f"Augmentation low_resolution is a factor of at least 1, got {self.low_resolution}.")


@dataclass(frozen=True)
class Intensity:
    """What happens to the intensities of one patch; the defaults leave it unchanged. Units as in `Augmentation`."""

    shift: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0
    blur: float = 0.0
    exponent: float = 1.0
    coarseness: float = 1.0


def apply_intensity(patch: Tensor, intensity: Intensity) -> Tensor:
    """Apply what an `Intensity` asks for, in the order of an acquisition: resolution, noise, then scale."""
    if intensity.blur > 0:
        patch = blur(patch, intensity.blur)
    if intensity.coarseness > 1:
        patch = lower_resolution(patch, intensity.coarseness)
    if intensity.noise > 0:
        patch = add_noise(patch, intensity.noise, intensity.noise_seed)
    if intensity.exponent != 1:
        patch = change_contrast(patch, intensity.exponent)
    return patch + intensity.shift if intensity.shift else patch


def add_noise(patch: Tensor, deviation: float, seed: int) -> Tensor:
    """Add white Gaussian noise; the same seed gives the same noise on the same kind of device."""
    generator = torch.Generator(patch.device).manual_seed(seed)
    return patch + deviation * torch.randn(patch.shape, generator=generator, device=patch.device)


def change_contrast(patch: Tensor, exponent: float) -> Tensor:
    """Raise intensities, taken as at least 0, to a power: below 1 brightens the dark, above 1 darkens it."""
    return patch.clamp(min=0) ** exponent


def blur(volume: Tensor, deviation: float) -> Tensor:
    """Convolve `[M, D, H, W]` with a Gaussian of `deviation` voxels, cut off at four deviations; edges are repeated."""
    radius = max(math.ceil(4 * deviation), 1)
    offsets = torch.arange(-radius, radius + 1, dtype=volume.dtype, device=volume.device)
    kernel = torch.exp(-(offsets**2) / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    for axis in (2, 3, 4):
        shape, margins = [1, 1, 1, 1, 1], [0] * 6
        shape[axis] = len(kernel)
        margins[2 * (4 - axis)] = margins[2 * (4 - axis) + 1] = radius
        volume = F.conv3d(F.pad(volume[:, None], margins, mode="replicate"), kernel.view(shape))[:, 0]
    return volume


def lower_resolution(patch: Tensor, factor: float) -> Tensor:
    """Average onto voxels `factor` times as long, and interpolate linearly back onto the grid."""
    coarse = [max(round(side / factor), 1) for side in patch.shape[1:]]
    averaged = F.interpolate(patch[None], size=coarse, mode="area")
    return F.interpolate(averaged, size=patch.shape[1:], mode="trilinear", align_corners=False)[0]
