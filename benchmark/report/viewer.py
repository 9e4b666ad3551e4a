"""The data of the report's slice browser: a few subjects as small volumes inside the page itself.

Volumes are deflated bytes in base64, which a browser inflates without any library, also from a file on disk: no canvas
read-back, no request. Images keep 64 grey levels and at most `MAX_SIDE` voxels a side, as the browser is for looking.
"""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.figures.panels import stretch
from benchmark.figures.scenes import Scene
from benchmark.figures.style import readable

MAX_SIDE = 112
GREYS = 64


def viewer_data(scenes: Sequence[Scene]) -> dict[str, Any]:
    """What the page's script reads: structures, and subjects with their volumes `[x, y, z]`, x fastest.

    Returns:
        structures: name and colour of every class; subjects: id, shape, spacing in mm, images, labels (truth first).
    """
    if not scenes:
        return {"structures": [], "subjects": []}
    structures = [{"name": readable(one.name), "colour": list(one.colour)} for one in scenes[0].protocol.structures]
    return {"structures": structures, "greys": GREYS, "subjects": [_subject(scene) for scene in scenes]}


def _subject(scene: Scene) -> dict[str, Any]:
    longest = max(side * mm for side, mm in zip(scene.truth.shape, scene.spacing, strict=True))
    step_mm = max(longest / MAX_SIDE, min(scene.spacing))
    picks = [_picks(side, mm, step_mm) for side, mm in zip(scene.truth.shape, scene.spacing, strict=True)]
    return {
        "id": scene.subject,
        "shape": [len(pick) for pick in picks],
        "spacing": [
            side * mm / len(pick) for side, mm, pick in zip(scene.truth.shape, scene.spacing, picks, strict=True)
        ],
        "images": {name: pack(_grey(image, picks)) for name, image in scene.images.items()},
        "labels": {name: pack(labels[np.ix_(*picks)]) for name, labels in scene.label_maps.items()},
    }


def pack(volume: NDArray[np.uint8]) -> str:
    """Deflate a volume, first axis fastest, and write it in base64."""
    return base64.b64encode(zlib.compress(volume.tobytes(order="F"), 9)).decode("ascii")


def _picks(side: int, mm: float, step_mm: float) -> NDArray[np.intp]:
    """Which voxels along an axis are kept: the nearest ones to a step of `step_mm`."""
    count = max(1, round(side * mm / step_mm))
    return np.minimum(((np.arange(count) + 0.5) * side / count).astype(np.intp), side - 1)


def _grey(image: NDArray[np.float32], picks: Sequence[NDArray[np.intp]]) -> NDArray[np.uint8]:
    thin = stretch(np.ascontiguousarray(image[np.ix_(*picks)]))
    return np.round(thin * (GREYS - 1)).astype(np.uint8)
