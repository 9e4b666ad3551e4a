"""What the numbers of an image are: a unit that its sidecar tells, FreeSurfer's 0 to 255, or nothing known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage

from datamodules.volumes.read import DAMAGES

ACTIVITY, SUV = "Bq/ml", "SUV"
CONFORMED = "0..255 as FreeSurfer conforms"
"""Of an MR; also what our simulated MR says of itself."""
ARBITRARY = "arbitrary"
"""Nothing is told of them."""

BECQUEREL = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9}
"""Becquerels of a unit, in lower case."""
ACTIVITIES = {f"{unit}{per}": factor for unit, factor in BECQUEREL.items() for per in ("/ml", "ml", "/cc")}
"""Bq/ml of a unit of activity concentration, in lower case."""
SUV_UNITS = ("suv", "suvbw", "g/ml", "gml")


def compact(name: object) -> str:
    """A unit in lower case without blanks: "kBq / mL" and "BQML" are written as one likes."""
    return "".join(str(name).lower().split())


def numbers_of(path: Path, sidecar: Mapping[str, Any]) -> str:
    """What the numbers of an image are; no voxel is read.

    Args:
        path: The image.
        sidecar: The JSON beside it.

    Returns:
        `Bq/ml`, `kBq/ml`, `SUV`, whatever else its sidecar's Units say, `CONFORMED`, or `ARBITRARY`.
    """
    told = sidecar.get("Units")
    if isinstance(told, str) and told.strip():
        return _unit(told)
    return CONFORMED if _is_conformed(path) else ARBITRARY


def _unit(text: str) -> str:
    short = compact(text)
    if short in SUV_UNITS:
        return SUV
    if short in ACTIVITIES:
        prefix = {1.0: "", 1e3: "k", 1e6: "M", 1e9: "G"}[ACTIVITIES[short]]
        return f"{prefix}{ACTIVITY}"
    return text.strip()


def _is_conformed(path: Path) -> bool:
    """Whether an image is as FreeSurfer conforms it: bytes, in cubic voxels of a millimetre."""
    try:
        return _is_of_bytes(nib.load(path))
    except (*DAMAGES, OSError, MemoryError):
        return False  # which whoever reads it will tell


def _is_of_bytes(image: object) -> bool:
    if not isinstance(image, SpatialImage) or image.get_data_dtype() != np.uint8:
        return False
    scaled = (getattr(image.dataobj, "slope", 1), getattr(image.dataobj, "inter", 0)) != (1, 0)
    return not scaled and bool(np.allclose(image.header.get_zooms()[:3], 1, atol=1e-3))
