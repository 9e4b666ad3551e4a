"""Intensity scaling to [0, 1]: from a fixed range as in the paper, or from percentiles of each image."""

import re
from dataclasses import dataclass

import numpy as np

from datamodules.volumes.grid import Array

_NUMBER = r"-?\d+(?:\.\d+)?"
_FORM = re.compile(rf"(?P<percentile>p)?(?P<low>{_NUMBER}):p?(?P<high>{_NUMBER})")


@dataclass(frozen=True)
class Scaling:
    """A linear map of intensities onto [0, 1], clipped.

    Attributes:
        low: Becomes 0.
        high: Becomes 1.
        percentile: Whether the two are percentiles of the image's voxels above zero rather than intensities.
    """

    low: float
    high: float
    percentile: bool = False

    @classmethod
    def parse(cls, text: str) -> "Scaling":
        """From `0:137919` (a fixed range) or `p0.5:p99.5` (percentiles).

        Raises:
            ValueError: If the text has neither form, or the range is empty.
        """
        found = _FORM.fullmatch(text)
        if not found:
            raise ValueError(
                f"Scaling '{text}' isn't understood: write a range such as 0:137919, or percentiles such as p0.5:p99.5."
            )
        low, high, percentile = float(found["low"]), float(found["high"]), bool(found["percentile"])
        if low >= high or (percentile and not 0 <= low < high <= 100):
            raise ValueError(f"Scaling '{text}' is empty or out of bounds: expected low < high.")
        return cls(low, high, percentile)

    def __str__(self) -> str:
        mark = "p" if self.percentile else ""
        return f"{mark}{self.low:g}:{mark}{self.high:g}"

    def limits(self, image: Array) -> tuple[float, float]:
        """The intensities that become 0 and 1 for this image.

        Raises:
            ValueError: If the image is constant between the percentiles asked for.
        """
        if not self.percentile:
            return self.low, self.high
        inside = image[image > 0]
        if not inside.size:
            raise ValueError("no voxel is above zero: the image is empty.")
        low, high = (float(value) for value in np.percentile(inside, (self.low, self.high)))
        if low >= high:
            raise ValueError(f"percentiles {self.low:g} and {self.high:g} are both {low:g}: the image is constant.")
        return low, high

    def resolve(self, image: Array) -> "Scaling":
        """The fixed range that this scaling means for an image.

        Raises:
            ValueError: As `limits`.
        """
        return Scaling(*self.limits(image))

    def apply(self, image: Array) -> Array:
        """The image as float32 in [0, 1]."""
        low, high = self.limits(image)
        scaled: Array = np.clip((image - low) / (high - low), 0, 1).astype(np.float32)
        return scaled


PAPER = {"pet": Scaling(0, 137919), "mr": Scaling(0, 255)}
"""The ranges of the paper's released code: PET in Bq/ml, MR as FreeSurfer conforms it."""

DEFAULT = Scaling(0.5, 99.5, percentile=True)
"""For a modality that the paper doesn't name."""
