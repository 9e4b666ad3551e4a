"""What each tissue looks like: its T1-weighted intensity and its uptake of FDG.

T1 intensities are of the order of an MPRAGE scaled to 0..255 with white matter near 160. The uptakes were *chosen*, to
the typical order of regional glucose metabolism (Heiss et al., J Nucl Med 1984; grey to white matter to CSF as in the
Hoffman phantom, 5:1:0); they are not measurements. Both are before partial volume. Head tissues carry the ids of
SynthSeg's training maps; their names here go by place and look.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.labels.protocol import load_protocol
from datamodules.simulation.anatomy import HEAD
from datamodules.simulation.random_fields import Floats


@dataclass(frozen=True)
class Material:
    """Look of a tissue.

    Attributes:
        intensity: Mean T1-weighted intensity, 0 to 255.
        intensity_spread: Standard deviation of the mean between subjects.
        texture: Standard deviation within the tissue of one subject.
        uptake: Mean FDG uptake, neocortex = 1.
        uptake_spread: Standard deviation of the uptake between subjects.
    """

    intensity: float
    intensity_spread: float
    texture: float
    uptake: float
    uptake_spread: float


AIR = Material(4, 0, 2, 0.0, 0.0)
SOFT_TISSUE = Material(88, 10, 16, 0.20, 0.04)

MATERIALS = {
    0: AIR,
    2: Material(160, 13, 7, 0.23, 0.02),  # cerebral white matter
    3: Material(96, 9, 9, 1.00, 0.06),  # cerebral cortex
    4: Material(42, 6, 5, 0.03, 0.01),  # lateral ventricle
    5: Material(49, 7, 6, 0.03, 0.01),  # inferior lateral ventricle
    7: Material(141, 10, 7, 0.36, 0.04),  # cerebellar white matter
    8: Material(90, 8, 9, 0.80, 0.06),  # cerebellar cortex
    10: Material(131, 11, 8, 0.92, 0.09),  # thalamus
    11: Material(101, 8, 7, 0.95, 0.09),  # caudate
    12: Material(115, 9, 7, 1.05, 0.08),  # putamen
    13: Material(146, 11, 6, 0.66, 0.08),  # pallidum
    14: Material(45, 7, 6, 0.03, 0.01),  # third ventricle
    15: Material(46, 7, 6, 0.03, 0.01),  # fourth ventricle
    16: Material(136, 10, 8, 0.42, 0.04),  # brain stem
    17: Material(97, 8, 8, 0.63, 0.06),  # hippocampus
    18: Material(95, 8, 7, 0.60, 0.06),  # amygdala
    24: Material(42, 6, 6, 0.03, 0.01),  # CSF
    26: Material(103, 8, 7, 0.90, 0.08),  # accumbens
    28: Material(139, 11, 9, 0.50, 0.06),  # ventral diencephalon
    30: Material(80, 12, 8, 0.30, 0.07),  # vessel
    31: Material(66, 9, 10, 0.27, 0.07),  # choroid plexus
    72: Material(42, 6, 5, 0.03, 0.01),  # fifth ventricle
    77: Material(118, 11, 10, 0.14, 0.03),  # white-matter hypointensities
    85: Material(134, 12, 8, 0.30, 0.05),  # optic chiasm
    251: Material(163, 12, 6, 0.20, 0.02),  # callosum, posterior to anterior
    252: Material(161, 12, 6, 0.20, 0.02),
    253: Material(161, 12, 6, 0.20, 0.02),
    254: Material(161, 12, 6, 0.20, 0.02),
    255: Material(163, 12, 6, 0.20, 0.02),
    500: Material(40, 6, 6, 0.03, 0.01),  # CSF outside the ventricles
    502: Material(105, 20, 25, 0.28, 0.05),  # vessels and sinuses
    506: Material(25, 4, 6, 0.06, 0.01),  # eyes
    507: SOFT_TISSUE,
    508: Material(105, 12, 14, 0.42, 0.08),  # glands and muscle
    509: Material(62, 9, 18, 0.26, 0.05),  # skin
    511: Material(130, 16, 30, 0.10, 0.02),  # fat
    512: Material(110, 11, 12, 0.28, 0.04),  # muscle
    514: Material(45, 9, 12, 0.08, 0.02),  # cavities
    515: Material(24, 6, 7, 0.08, 0.02),  # compact bone
    516: Material(92, 18, 22, 0.13, 0.03),  # diploe
    530: Material(105, 14, 15, 0.20, 0.04),  # mucosa
}
"""By FreeSurfer label; a right structure is made of its left partner's material, other head tissue of soft tissue."""


def material_of(label: int) -> Material:
    """Material of any structure of aseg45 or id of head tissue."""
    return MATERIALS.get(_LEFT.get(label, label), SOFT_TISSUE)


_LEFT = {s.label: s.partner for s in load_protocol("aseg45").structures if s.side == "right" and s.partner}
LABELS = (*load_protocol("aseg45").labels, *HEAD)


def draw_table(rng: np.random.Generator, quantity: str, asymmetry: float) -> Floats:
    """Draw one subject's mean of a quantity for every label, as a table to index with a label map.

    Args:
        rng: Source of the draws; their number does not depend on the labels present.
        quantity: "intensity" or "uptake".
        asymmetry: Relative standard deviation of each side about what both sides share.

    Returns:
        [1000], never negative.
    """
    table = np.zeros(HEAD.stop, np.float32)
    shared = mirrored(rng.standard_normal(HEAD.stop))
    own = rng.standard_normal(HEAD.stop)
    for label in LABELS:
        material = material_of(label)
        mean = getattr(material, quantity) + getattr(material, f"{quantity}_spread") * shared[label]
        table[label] = max(0.0, mean * (1 + asymmetry * own[label]))
    return table


def mirrored(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The table [1000] with every right structure's value replaced by its left partner's."""
    both = table.copy()
    both[list(_LEFT)] = table[list(_LEFT.values())]
    return both


def texture_table() -> Floats:
    """Standard deviation of the T1-weighted intensity within each label's tissue, [1000]."""
    table = np.zeros(HEAD.stop, np.float32)
    for label in LABELS:
        table[label] = material_of(label).texture
    return table
