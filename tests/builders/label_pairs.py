"""Small label maps to score: random ones for properties, and hand-made ones whose scores are known."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from datamodules.labels.protocol import Protocol, Structure

CLASSES = 5


@dataclass(frozen=True)
class LabelPair:
    truth: np.ndarray
    prediction: np.ndarray


@st.composite
def label_pairs(draw, largest: int = 9):
    """Two maps of one shape: noise, or blocks of it so that structures have an inside; any class may be absent."""
    shape = draw(arrays.array_shapes(min_dims=3, max_dims=3, max_side=largest))
    block = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    maps = []
    for _ in range(2):
        present = draw(st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=CLASSES, unique=True))
        coarse = rng.choice(np.array(present, np.uint8), [-(-side // block) for side in shape])
        fine = coarse.repeat(block, 0).repeat(block, 1).repeat(block, 2)
        maps.append(np.ascontiguousarray(fine[tuple(slice(side) for side in shape)]))
    return LabelPair(*maps)


spacings = st.tuples(*[st.floats(0.3, 4.0)] * 3)


def cube(corner: tuple[int, int, int], side: int = 3, size: int = 12, label: int = 1) -> np.ndarray:
    volume = np.zeros((size,) * 3, np.uint8)
    volume[tuple(slice(start, start + side) for start in corner)] = label
    return volume


def protocol(classes: int = CLASSES) -> Protocol:
    """Structures "1", "2" (mirror partners), "3" and so on, with labels 10, 20, 30."""
    partners = {1: 20, 2: 10}
    return Protocol(
        "tiny",
        tuple(
            Structure(
                label=10 * k,
                name=str(k) if k else "background",
                side={1: "left", 2: "right"}.get(k, ""),
                partner=partners.get(k),
                tissue="white matter" if k else "background",
                colour=(0, 0, 0),
            )
            for k in range(classes)
        ),
    )
