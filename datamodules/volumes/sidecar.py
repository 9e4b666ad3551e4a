"""The JSON file beside an image, as PET-BIDS writes it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    path = sidecar_file(image)
    if not path.is_file():
        return {}
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}).") from error
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: holds a {type(entry).__name__}; expected a JSON object.")
    return entry


def acquisition(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """What a cohort keeps of a sidecar."""
    return {key: sidecar[key] for key in KEPT if key in sidecar}
