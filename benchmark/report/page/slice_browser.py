"""The data of the slice browser: a few subjects as small volumes inside the page itself.

Volumes are deflated bytes in base64, which a browser inflates without any library, also from a file on disk: no canvas
read-back, no request. Images keep 64 grey levels and at most so many voxels a side, as the browser is for looking.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.figures.names import readable
from benchmark.figures.pictures.panels import stretch
from benchmark.figures.pictures.scenes import Scene
from datamodules.labels.protocol import Protocol

MAX_SIDE = 84
GREYS = 64


def browser_data(protocol: Protocol, scenes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the page's script reads: structures with their colours, and scenes as of `scene_data`."""
    structures = [{"name": readable(one.name), "colour": list(one.colour)} for one in protocol.structures]
    return {"structures": structures, "greys": GREYS, "scenes": list(scenes)}


def scene_data(scene: Scene, cases: pd.DataFrame, most: int = MAX_SIDE) -> dict[str, Any]:
    """A subject with its volumes `[x, y, z]`, x fastest.

    Args:
        scene: The subject.
        cases: Of that subject, one row per variant and structure.
        most: Voxels along each side; more are thinned out.

    Returns:
        subject; shape; spacing and first (mm); images; labels (truth first); dice (variant to structure to Dice).
    """
    longest = max(side * mm for side, mm in zip(scene.truth.shape, scene.spacing, strict=True))
    step_mm = max(longest / most, min(scene.spacing))
    picks = [_picks(side, mm, step_mm) for side, mm in zip(scene.truth.shape, scene.spacing, strict=True)]
    spacing = [side * mm / len(pick) for side, mm, pick in zip(scene.truth.shape, scene.spacing, picks, strict=True)]
    places = zip(scene.first_mm, scene.spacing, spacing, strict=True)
    return {
        "subject": scene.subject,
        "shape": [len(pick) for pick in picks],
        "spacing": spacing,
        "first": [first + (thin - mm) / 2 for first, mm, thin in places],
        "images": {name: pack(_grey(image, picks)) for name, image in scene.images.items()},
        "labels": {name: pack(labels[np.ix_(*picks)]) for name, labels in scene.label_maps.items()},
        "dice": _dice(cases),
    }


def pack(volume: NDArray[np.uint8]) -> str:
    """Deflate a volume, first axis fastest, and write it in base64."""
    return deflate(volume.tobytes(order="F"))


def deflate(content: bytes) -> str:
    """Deflated bytes in base64."""
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def _dice(cases: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Variant to the Dice of each structure that truth or prediction has."""
    return {
        str(variant): {
            readable(str(name)): round(dice, 4) for name, dice in zip(own["structure"], own["dice"], strict=True)
        }
        for variant, own in cases.dropna(subset=["dice"]).groupby("variant", sort=False)
    }


def _picks(side: int, mm: float, step_mm: float) -> NDArray[np.intp]:
    """Which voxels along an axis are kept: the nearest ones to a step of `step_mm`."""
    count = max(1, round(side * mm / step_mm))
    return np.minimum(((np.arange(count) + 0.5) * side / count).astype(np.intp), side - 1)


def _grey(image: NDArray[np.float32], picks: Sequence[NDArray[np.intp]]) -> NDArray[np.uint8]:
    thin = stretch(np.ascontiguousarray(image[np.ix_(*picks)]))
    return np.round(thin * (GREYS - 1)).astype(np.uint8)
