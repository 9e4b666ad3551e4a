"""Comparisons for reading: what each case costs with ours and with the peer."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

MEASURES = {"cpu_seconds": "CPU-s", "added_mib": "MiB"}


def comparison_table(cases: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row of texts for every case: ours, peer and ratio of each measure, and the largest difference."""
    return pd.DataFrame([_row(name, case) for name, case in cases.items()])


def _row(name: str, case: Mapping[str, Any]) -> dict[str, str]:
    row = {"case": name}
    for measure, unit in MEASURES.items():
        for side in ("ours", "peer"):
            row[f"{side}, {unit}"] = _number(case.get(side, {}).get(measure))
        row[f"ratio of {unit}"] = _number(case.get("ratio", {}).get(measure))
    return {**row, "max difference": _number(case.get("max_difference"))}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
