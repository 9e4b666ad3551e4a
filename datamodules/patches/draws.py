"""Random draws without hidden state: what a patch is follows from (seed, epoch, index) and nothing else.

Workers, ranks, interruptions and the order in which patches are asked for therefore cannot change any of them.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from datamodules.patches.augmentation import Augmentation, Intensity

PATCHES_PER_SUBJECT = 2  # the paper's, drawn in a row from the same subject
POSITIVE_SHARE = 0.5  # the paper's: centres inside and outside the structures 1:1

# Independent streams of random numbers for one key.
_ORDER, _SETTINGS, _CENTRES, _VALIDATION = range(4)


@dataclass(frozen=True)
class PatchKey:
    """Names one training patch: all that its random draws depend on."""

    seed: int
    epoch: int
    index: int


@dataclass(frozen=True)
class PatchDraw:
    """Everything random about one patch.

    Attributes:
        key: Its name.
        subject: Position of its subject in the training part.
        positive: Whether its centre is sought inside a structure, or else in the background.
        angle: Rotation about the third axis in radians.
        scales: Steps through the volume per voxel of the patch, along each axis.
        mirror: Whether left and right are exchanged.
        intensity: What happens to its intensities.
    """

    key: PatchKey
    subject: int
    positive: bool = True
    angle: float = 0.0
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)
    mirror: bool = False
    intensity: Intensity = field(default_factory=Intensity)


def draw_patch(
    key: PatchKey, subjects: int, augmentation: Augmentation, patches_per_subject: int = PATCHES_PER_SUBJECT
) -> PatchDraw:
    """Draw one patch.

    Args:
        key: Its name.
        subjects: How many the training part has.
        augmentation: Settings; changing one of them moves no draw of another.
        patches_per_subject: How many consecutive indices share a subject.
    """
    visit = key.index // patches_per_subject
    order = subject_order(key.seed, key.epoch, visit // subjects, subjects)
    # One number a purpose, always all of them: this keeps the settings independent of each other.
    u = _stream(key.seed, key.epoch, key.index, _SETTINGS).random(17).tolist()
    return PatchDraw(
        key=key,
        subject=int(order[visit % subjects]),
        positive=u[0] < POSITIVE_SHARE,
        angle=_within(u[1], augmentation.rotation),
        scales=(
            1 + _within(u[2], augmentation.scaling),
            1 + _within(u[3], augmentation.scaling),
            1 + _within(u[4], augmentation.scaling),
        ),
        mirror=u[5] < augmentation.mirror_probability,
        intensity=_draw_intensity(u[6:], augmentation),
    )


@lru_cache(maxsize=16)
def subject_order(seed: int, epoch: int, pass_: int, subjects: int) -> npt.NDArray[np.int64]:
    """The order in which an epoch visits its subjects; `pass_` counts the permutations within a long epoch."""
    order = _stream(seed, epoch, pass_, _ORDER).permutation(subjects)
    order.flags.writeable = False
    return order


def draw_subjects(seed: int, subjects: int, count: int) -> list[int]:
    """Positions of at most `count` of the subjects, in order; a larger count keeps those of a smaller one."""
    drawn = _stream(seed, 0, 0, _VALIDATION).permutation(subjects)[:count]
    return sorted(drawn.tolist())


def candidate_centres(key: PatchKey, shape: tuple[int, ...], count: int) -> npt.NDArray[np.int64]:
    """Voxels of a volume drawn evenly, to be tried in turn as the centre of a patch: `[count, 3]`."""
    return _stream(key.seed, key.epoch, key.index, _CENTRES).integers(0, shape, size=(count, len(shape)))


def _stream(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def _draw_intensity(u: list[float], settings: Augmentation) -> Intensity:
    def occasionally(chance: float, value: float, otherwise: float = 0.0) -> float:
        return value if chance < settings.optional_probability else otherwise

    return Intensity(
        shift=_within(u[1], settings.shift) if u[0] < settings.shift_probability else 0.0,
        noise=occasionally(u[2], u[3] * settings.noise),
        noise_seed=int(u[4] * 2**53),
        blur=occasionally(u[5], u[6] * settings.blur),
        exponent=occasionally(u[7], math.exp(_within(u[8], settings.contrast)), otherwise=1.0),
        coarseness=occasionally(u[9], 1 + u[10] * (settings.low_resolution - 1), otherwise=1.0),
    )


def _within(u: float, largest: float) -> float:
    """Map [0, 1) evenly to [-largest, largest)."""
    return (2 * u - 1) * largest
