"""One subject to take pictures of, without a cohort."""

import numpy as np

from benchmark.figures.pictures.scenes import Scene
from datamodules.labels.protocol import load_protocol


def scene(variants: int = 2, protocol: str = "aseg45") -> Scene:
    """A cube with a putamen in front of a hippocampus."""
    known = load_protocol(protocol)
    truth = np.zeros((20, 24, 16), np.uint8)
    truth[4:16, 4:20, 4:12] = known.names.index("Left-Cerebral-White-Matter")
    truth[6:10, 14:18, 6:10] = known.names.index("Left-Putamen")
    truth[6:10, 6:16, 6:9] = known.names.index("Left-Hippocampus")
    image = np.random.default_rng(0).random(truth.shape, np.float32)
    predictions = {f"net{index}": np.roll(truth, index, 0) for index in range(variants)}
    return Scene("s1", {"pet": image, "mr": image}, truth, predictions, (1.0, 2.0, 3.0), (-10.0, -24.0, -24.0), known)
