"""What happens to single modalities of a training patch: PET that is displaced, and modalities that are missing.

Both are functions of (seed, epoch, index), drawn from streams of their own, so that neither moves another draw.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from datamodules.patches.augmentation import Augmentation
from datamodules.patches.displace import displace
from datamodules.patches.draws import PatchKey
from datamodules.patches.misalignment import Displacement, Misalignment

PET = "pet"
_MISALIGNMENT, _DROPOUT = 3, 4
"""Streams of random numbers beside those of `draws`."""


def vary_modalities(
    patch: Tensor, key: PatchKey, augmentation: Augmentation, modalities: Sequence[str], spacing_mm: Sequence[float]
) -> Tensor:
    """Displace the PET of a patch against all else, and leave modalities out.

    Args:
        patch: `[M, D, H, W]`; may be changed.
        key: Names the patch.
        augmentation: Settings.
        modalities: Names of the channels, in order.
        spacing_mm: Sides of a voxel along each axis.
    """
    if augmentation.misalignment and PET in modalities:
        channel = modalities.index(PET)
        patch[channel] = displace(patch[channel], draw_displacement(key, augmentation.misalignment), spacing_mm)
    for name in draw_missing(key, augmentation.modality_dropout, modalities):
        patch[modalities.index(name)] = 0
    return patch


def draw_displacement(key: PatchKey, largest: Misalignment) -> Displacement:
    """A displacement whose length and angle are drawn evenly up to the largest."""
    generator = np.random.default_rng((key.seed, key.epoch, key.index, _MISALIGNMENT))
    lengths = generator.random(2)
    return Displacement.drawn(Misalignment(largest.mm * lengths[0], largest.degrees * lengths[1]), generator)


def draw_missing(key: PatchKey, probabilities: Mapping[str, float], modalities: Sequence[str]) -> tuple[str, ...]:
    """The modalities that a patch lacks, each drawn for itself; none where all would be missing."""
    if not probabilities:
        return ()
    drawn = np.random.default_rng((key.seed, key.epoch, key.index, _DROPOUT)).random(len(modalities))
    missing = tuple(
        name for name, number in zip(modalities, drawn, strict=True) if number < probabilities.get(name, 0.0)
    )
    return missing if len(missing) < len(modalities) else ()
