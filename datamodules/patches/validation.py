"""Whom a network is validated on, and how often: enough to choose its best epoch, no more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from datamodules.patches.draws import draw_subjects


@dataclass(frozen=True)
class Validation:
    """Validation in proportion to training.

    Attributes:
        subjects: At most so many of the fold's validation subjects, always the same ones; all where not given.
        every: At least so many steps lie between two validations, each of which ends an epoch; every epoch where not
            given.
    """

    subjects: int | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        for name in ("subjects", "every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"Validation {name} is at least 1, or left out; got {value}.")

    def draw(self, part: Sequence[str], seed: int) -> tuple[str, ...]:
        """The subjects of a part that are validated, in its order: a function of the seed, and more for more."""
        return tuple(part[position] for position in draw_subjects(seed, len(part), self.subjects or len(part)))

    def epochs(self, steps: int) -> int:
        """Epochs from one validation to the next, where each has so many steps."""
        return math.ceil((self.every or 1) / steps)
