"""Intensity scaling to [0, 1]: from a fixed range as in the paper, or from percentiles of each image."""

import json
import re
from dataclasses import dataclass

import numpy as np

from datamodules.volumes.grid import Array
from datamodules.volumes.units import ACTIVITY, CONFORMED

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
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
        return f"{mark}{self.low:.15g}:{mark}{self.high:.15g}"

    @property
    def meaning(self) -> str:
        """What becomes 0 and what 1, in words."""
        if not self.percentile:
            return f"{self.low:g} to {self.high:g} become 0 to 1"
        return f"percentiles {self.low:g} and {self.high:g} of each image's voxels above zero become 0 and 1"

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


EVERY = "*"
"""Stands for every modality that isn't named."""
PAPER = {"pet": Scaling(0, 137919), "mr": Scaling(0, 255)}
"""The ranges of the paper's released code."""
PRESUMED = {"pet": ACTIVITY, "mr": CONFORMED}
"""What the numbers must be for these ranges to make sense."""
DEFAULT = Scaling(0.5, 99.5, percentile=True)
"""For all other numbers."""


def parse_scalings(text: str) -> dict[str, Scaling]:
    """Modality to scaling: from `{"pet": "0:137919", "mr": "p0.5:p99.5"}`, or from one of them for every modality.

    Raises:
        ValueError: If the text is neither.
    """
    if not text.lstrip().startswith("{"):
        return {EVERY: Scaling.parse(text)}
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ValueError(f'Scaling {text} is no JSON ({error}): write \'{{"pet": "p0.5:p99.5"}}\'.') from error
    return {name: Scaling.parse(str(one)) for name, one in entries.items()}
