"""Comparisons for reading: what each case costs with ours and with the peer."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

MEASURES = {"cpu_seconds": "CPU-s", "added_mib": "MiB"}


def comparison_table(cases: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row of texts for every case: ours, peer and ratio of each measure, and the largest difference."""
    return pd.DataFrame([_row(name, case) for name, case in cases.items()])


STEP_MEASURES = {
    "seconds": "s",
    "cpu_seconds": "CPU-s",
    "added_gib": "GiB added",
    "saved_gib": "GiB saved",
    "rate_gflops": "GFLOP/s",
    "peak_share": "of peak",
    "flop_per_byte": "FLOP/byte",
}


def step_table(cases: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row of texts for every side of every case of `petmr bench step`: what it takes, and ratios to ours."""
    rows = [_step_row(name, case, side) for name, case in cases.items() for side in ("ours", "peer") if side in case]
    return pd.DataFrame(rows)


def _step_row(name: str, case: Mapping[str, Any], side: str) -> dict[str, str]:
    row = {"case": name if side == "ours" else f"{name}: peer"}
    row |= {heading: _number(case[side][measure]) for measure, heading in STEP_MEASURES.items()}
    times = case.get("ratio", {}).get("seconds") if side == "ours" else None
    row["peer / ours"] = _number(times)
    row["peer's fp32 / ours"] = _number(case.get("speedup_of_fp32") if side == "ours" else None)
    return row


def _row(name: str, case: Mapping[str, Any]) -> dict[str, str]:
    row = {"case": name}
    for measure, unit in MEASURES.items():
        for side in ("ours", "peer"):
            row[f"{side}, {unit}"] = _number(case.get(side, {}).get(measure))
        row[f"ratio of {unit}"] = _number(case.get("ratio", {}).get(measure))
    return {**row, "max difference": _number(case.get("max_difference"))}


def _number(value: float | None) -> str:
    return "-" if value is None or isnan(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
