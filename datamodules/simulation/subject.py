"""PET, MR and true labels of one subject, from any anatomy.

An anatomy is a function that gives a label map on the grid asked for: the phantom, or a variation of a real label map.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.simulation.anatomy import HEAD
from datamodules.simulation.mr import simulate_mr
from datamodules.simulation.pet import average, simulate_pet
from datamodules.simulation.random_fields import Floats

Anatomy = Callable[[int, float], NDArray[np.int16]]
"""(voxels along each axis, voxel's edge in millimetres) -> FreeSurfer labels [X, Y, Z] in RAS orientation."""

FINEST = 2.0
"""Images of larger voxels are made on a grid of at most this many millimetres and averaged: partial volume."""


@dataclass(frozen=True)
class SimulatedSubject:
    """One simulated subject, all on one grid.

    Attributes:
        labels: int16 [X, Y, Z], FreeSurfer labels of aseg45; head tissue is background.
        mr: float32 [X, Y, Z], T1-weighted intensities 0 to 255.
        pet: float32 [X, Y, Z], Bq/ml.
    """

    labels: NDArray[np.int16]
    mr: Floats
    pet: Floats


def simulate(
    anatomy: Anatomy, *, size: int, spacing: float, seed: Sequence[int], cortical_activity: float = 34_000.0
) -> SimulatedSubject:
    """Simulate one subject; the result depends on the arguments alone, not on threads or processes.

    Args:
        anatomy: Gives the label map on any grid.
        size: Voxels along each axis.
        spacing: Edge of a voxel, in millimetres.
        seed: Seed of the images.
        cortical_activity: Mean PET activity of the cortex, in Bq/ml.
    """
    factor = int(np.ceil(spacing / FINEST)) if spacing > FINEST else 1
    truth = anatomy(size, spacing)
    fine = truth if factor == 1 else anatomy(size * factor, spacing / factor)
    mr_draws, pet_draws = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    mr = simulate_mr(fine, spacing / factor, mr_draws)
    pet = simulate_pet(fine, spacing / factor, pet_draws, cortical_activity=cortical_activity)
    labels = np.where(truth < HEAD.start, truth, np.int16(0))
    return SimulatedSubject(labels, average(mr, factor), average(pet, factor))
