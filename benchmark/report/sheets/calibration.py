"""The sheet of calibration: the expected calibration error of every network, in every structure."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmark.report.numbers import Numbers
from benchmark.report.sheets.sheet import Sheet, decimals, numbers
from benchmark.runs.calibration import read_calibration
from benchmark.runs.evidence import Evidence
from benchmark.scoring.calibration import ALL, BINS, expected_calibration_error

NOTE = (
    f"Expected calibration error over the voxels that a network labels as a structure, {BINS} bins (Guo et al., ICML "
    "2017), the lower the better; voxels labelled as background are left out. Measured by `petmr calibrate`."
)


def calibration_table(evidence: Evidence) -> pd.DataFrame:
    """Of `expected_calibration_error` by variant; empty where nothing was measured."""
    counts = read_calibration(evidence)
    return expected_calibration_error(counts, ["variant"]) if len(counts) else counts


def calibration_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """One sheet; none where nothing was measured."""
    table = calibration_table(evidence)
    if table.empty:
        return
    wide = table.pivot_table(index="structure", columns="variant", values="ece", sort=False)
    structures = [name for name in dict.fromkeys(table["structure"]) if name != ALL]
    variants = [name for name in found.names if name in wide]
    wide = wide.reindex(index=[ALL, *structures], columns=variants).astype(np.float64)
    columns = tuple(numbers(name, wide[name], decimals(3), "lower") for name in variants)
    unranked = frozenset(evidence.incomplete)
    yield Sheet(
        "calibration",
        "Calibration",
        NOTE,
        "Structure",
        tuple(map(str, wide.index)),
        columns,
        found.names,
        unranked,
        evidence.remark,
        best_of="row",
    )
