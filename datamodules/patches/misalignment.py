"""PET that doesn't lie where the MR lies: a rigid displacement, for training and as a condition of a test."""

import math
import re
from dataclasses import dataclass

import numpy as np

_FORM = re.compile(r"(?:(?P<mm>\d+(?:\.\d+)?)\s*mm)?[\s,+-]*(?:(?P<degrees>\d+(?:\.\d+)?)\s*deg(?:rees)?)?")


@dataclass(frozen=True)
class Misalignment:
    """How far one image lies from another.

    Attributes:
        mm: Length of the displacement, in millimetres.
        degrees: Angle of the rotation about the middle.
    """

    mm: float = 0.0
    degrees: float = 0.0

    def __post_init__(self) -> None:
        if self.mm < 0 or not 0 <= self.degrees <= 180:
            raise ValueError(
                f"A misalignment is at least 0 mm, and 0 to 180 degrees; got {self.mm} mm, {self.degrees} degrees."
            )

    @classmethod
    def parse(cls, text: str) -> "Misalignment":
        """From `2mm`, `3deg` or `2mm,3deg`.

        Raises:
            ValueError: If the text is of another form.
        """
        found = _FORM.fullmatch(text.strip())
        if not found or not (found["mm"] or found["degrees"]):
            raise ValueError(f"Misalignment '{text}' isn't understood: write 2mm, 3deg or 2mm,3deg.")
        return cls(float(found["mm"] or 0), float(found["degrees"] or 0))

    def __bool__(self) -> bool:
        return bool(self.mm or self.degrees)

    def __str__(self) -> str:
        return "-".join([f"{self.mm:g}mm"] * bool(self.mm) + [f"{self.degrees:g}deg"] * bool(self.degrees)) or "none"


@dataclass(frozen=True)
class Displacement:
    """A rigid motion.

    Attributes:
        shift_mm: Along each axis.
        axis: Unit vector to rotate about, through the middle of the volume.
        radians: Angle of that rotation.
    """

    shift_mm: tuple[float, float, float]
    axis: tuple[float, float, float]
    radians: float

    @classmethod
    def drawn(cls, size: Misalignment, generator: np.random.Generator) -> "Displacement":
        """In a direction and about an axis drawn evenly, of just that size."""
        direction, axis = (_direction(generator) for _ in range(2))
        x, y, z = (size.mm * direction).tolist()
        u, v, w = axis.tolist()
        return cls((x, y, z), (u, v, w), math.radians(size.degrees))

    def matrix(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """The rotation, `[3, 3]` (Rodrigues)."""
        x, y, z = self.axis
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turned: np.ndarray[tuple[int, int], np.dtype[np.float64]] = (
            np.eye(3) + math.sin(self.radians) * cross + (1 - math.cos(self.radians)) * cross @ cross
        )
        return turned


def _direction(generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    drawn = generator.normal(size=3)
    unit: np.ndarray[tuple[int], np.dtype[np.float64]] = drawn / np.linalg.norm(drawn)
    return unit
