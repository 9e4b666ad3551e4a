"""The JSON file beside an image, as PET-BIDS writes it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.files import read_json

KEPT = (
    "Manufacturer",
    "Units",
    "TracerName",
    "TracerRadionuclide",
    "InjectedRadioactivity",
    "InjectedRadioactivityUnits",
    "InjectionStart",
    "ScanStart",
    "TimeZero",
    "FrameTimesStart",
    "FrameDuration",
    "ImageDecayCorrected",
    "ImageDecayCorrectionTime",
)
"""In PET-BIDS' terms: what standardised uptake values need, and who made the scanner (or that none did)."""


def sidecar_file(image: Path) -> Path:
    """Where the sidecar of an image lies, if it has one."""
    return image.with_name(image.name.removesuffix(".gz").rpartition(".")[0] + ".json")


def read_sidecar(image: Path) -> dict[str, Any]:
    """The sidecar of an image; empty where there is none.

    Raises:
        ValueError: If it is no JSON object.
    """
    return read_json(sidecar_file(image))


def is_number(value: object) -> bool:
    """Whether an entry of a sidecar can be reckoned with: JSON knows numbers of any length, Python's NaN and truths."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def acquisition(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """What a cohort keeps of a sidecar."""
    return {key: sidecar[key] for key in KEPT if key in sidecar}
