"""Where a run keeps what is known of its calibration, and when that can be believed."""

from pathlib import Path

import pandas as pd

from benchmark.runs.evidence import Evidence
from benchmark.runs.folder import RunFolder
from benchmark.runs.seal import broken


def calibration_file(folder: RunFolder) -> Path:
    """Counts of the test subjects' voxels by confidence."""
    return folder.path / "calibration.csv"


def marker_of(folder: RunFolder) -> Path:
    """Says that the counts are complete, with their hash."""
    return folder.path / "calibration.json"


def read_calibration(evidence: Evidence) -> pd.DataFrame:
    """The counts of all runs of an experiment that were measured, with a column "variant"; empty where none was."""
    measured = [
        (run.record.variant, run.folder)
        for run in evidence.runs
        if marker_of(run.folder).is_file() and not broken(run.folder.path, marker_of(run.folder))
    ]
    tables = [
        pd.read_csv(calibration_file(folder), dtype={"subject": str, "structure": str}, keep_default_na=False).assign(
            variant=variant
        )
        for variant, folder in measured
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
