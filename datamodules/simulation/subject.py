"""PET, MR and true labels of one subject, from any anatomy.

An anatomy is a function that gives a label map on the grid asked for: the phantom, or a variation of a real label map.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.simulation.anatomy import HEAD
from datamodules.simulation.appearance import draw_image
from datamodules.simulation.mr import simulate_mr
from datamodules.simulation.pet import PETScanner, average, simulate_pet
from datamodules.simulation.random_fields import Floats

Anatomy = Callable[[int, float], NDArray[np.int16]]
"""(voxels along each axis, voxel's edge in millimetres) -> FreeSurfer labels [X, Y, Z] in RAS orientation."""

Seeds = tuple[np.random.Generator, np.random.Generator]

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


def typical(labels: NDArray[np.int16], spacing: float, seeds: Seeds, cortical_activity: float) -> tuple[Floats, Floats]:
    """T1-weighted MR, 0 to 255, and FDG PET in Bq/ml, as scanners give them."""
    mr_draws, pet_draws = seeds
    mr = simulate_mr(labels, spacing, mr_draws)
    return mr, simulate_pet(labels, spacing, pet_draws, cortical_activity=cortical_activity)


def of_any_contrast(
    labels: NDArray[np.int16], spacing: float, seeds: Seeds, cortical_activity: float
) -> tuple[Floats, Floats]:
    """Two images of contrasts of their own, on the scales of MR and PET, of which the PET's is no activity."""
    mr_draws, pet_draws = seeds
    mr = draw_image(labels, spacing, mr_draws, "intensity") * 255
    return mr, draw_image(labels, spacing, pet_draws, "uptake") * PETScanner().largest


APPEARANCES: dict[str, Callable[[NDArray[np.int16], float, Seeds, float], tuple[Floats, Floats]]] = {
    "typical": typical,
    "random": of_any_contrast,
}


def simulate(
    anatomy: Anatomy,
    *,
    size: int,
    spacing: float,
    seed: Sequence[int],
    cortical_activity: float = 34_000.0,
    appearance: str = "typical",
) -> SimulatedSubject:
    """Simulate one subject; the result depends on the arguments alone, not on threads or processes.

    Args:
        anatomy: Gives the label map on any grid.
        size: Voxels along each axis.
        spacing: Edge of a voxel, in millimetres.
        seed: Seed of the images.
        cortical_activity: Mean PET activity of the cortex, in Bq/ml, where the appearance is typical.
        appearance: A name in `APPEARANCES`.
    """
    factor = int(np.ceil(spacing / FINEST)) if spacing > FINEST else 1
    truth = anatomy(size, spacing)
    fine = truth if factor == 1 else anatomy(size * factor, spacing / factor)
    first, second = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))
    mr, pet = APPEARANCES[appearance](fine, spacing / factor, (first, second), cortical_activity)
    labels = np.where(truth < HEAD.start, truth, np.int16(0))
    return SimulatedSubject(labels, average(mr, factor), average(pet, factor))
