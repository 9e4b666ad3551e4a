"""The JSON file beside an image, as PET-BIDS writes it."""

import json
from pathlib import Path
from typing import Any

KEPT = (
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
"""What standardised uptake values need, in PET-BIDS' terms."""

ACTIVITY = frozenset({"bq/ml", "bqml"})
"""Ways to write Bq/ml, in lower case: the unit of the paper's range for PET."""


def read_sidecar(image: Path) -> dict[str, Any]:
    """The sidecar of an image; empty where there is none.

    Raises:
        ValueError: If it is no JSON object.
    """
    path = image.with_name(image.name.removesuffix(".gz").rpartition(".")[0] + ".json")
    if not path.is_file():
        return {}
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}).") from error
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: holds a {type(entry).__name__}; expected a JSON object.")
    return entry


def is_activity(units: str) -> bool:
    """Whether a unit, however written, is Bq/ml."""
    return "".join(units.split()).lower() in ACTIVITY
