"""`petmr status`: how far the runs of an experiment have come."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchmark.runs.evidence import GRID
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.objections import name_of
from benchmark.runs.workplace import STATES
from datamodules.files import read_json


def find_runs(folder: Path) -> list[RunFolder]:
    """All runs below a folder: those of its grids, also where they wait, and any others that have begun.

    Raises:
        FileNotFoundError: If there is none.
    """
    expected = [path for grid in sorted(folder.rglob(GRID)) for path in _places(grid)]
    begun = [record.parent for record in sorted(folder.rglob("run.json"))]
    found = [RunFolder(path) for path in dict.fromkeys([*expected, *begun])]
    if not found:
        raise FileNotFoundError(f"{folder}: holds no runs.")
    return found


def read_progress(folders: Sequence[RunFolder]) -> pd.DataFrame:
    """One row a run: run, variant, state, epoch (finished), epochs, elapsed and expected (seconds; NaN before one)."""
    return pd.DataFrame([_row(folder) for folder in folders])


def expect(progress: pd.DataFrame, estimates: Mapping[str, float]) -> pd.DataFrame:
    """Fill in how long runs are expected to take that haven't finished an epoch.

    That is as long as the others of their variant on average, or as long as estimated, or as all others on average.

    Args:
        progress: Of `read_progress`.
        estimates: Variant to seconds that one of its runs is estimated to take.
    """
    known = progress["expected"]
    alike = known.fillna(known.groupby(progress["variant"]).transform("mean"))
    return progress.assign(expected=alike.fillna(progress["variant"].map(estimates)).fillna(known.mean()))


def status_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What `expect` gives, for reading: name, state, finished epochs, elapsed and expected time."""
    epochs = [f"{done}/{all_}" if all_ else "-" for done, all_ in zip(rows["epoch"], rows["epochs"], strict=True)]
    return pd.DataFrame(
        {
            "run": rows["run"],
            "state": rows["state"],
            "epochs": epochs,
            "elapsed": rows["elapsed"].map(duration),
            "expected": rows["expected"].map(duration),
        }
    )


def unmeasured(progress: pd.DataFrame) -> list[str]:
    """The variants of which no run has finished an epoch."""
    measured = set(progress["variant"][progress["epoch"] > 0])
    return [variant for variant in dict.fromkeys(progress["variant"]) if variant not in measured]


def summary(rows: pd.DataFrame) -> str:
    """A sentence on what `expect` gives: how many runs are in which state, and the time that the rest still needs."""
    counts = rows["state"].value_counts()
    listed = ", ".join(f"{counts[state]} {state}" for state in STATES if state in counts)
    left = (rows["expected"] - rows["elapsed"])[rows["state"] != "done"].clip(lower=0)
    if left.isna().any():
        return f"{listed}. How long the rest takes is known once a run has finished an epoch."
    return f"{listed}. One after the other the rest takes {duration(left.sum())}."


def duration(seconds: float) -> str:
    """`1:02:03`, or a dash where unknown."""
    if math.isnan(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _places(grid: Path) -> list[Path]:
    entries = json.loads(grid.read_text(encoding="utf-8"))
    return [grid.parent / name_of(RunRecord(**entry)) for entry in entries]


def _row(folder: RunFolder) -> dict[str, str | int | float]:
    progress = read_json(folder.progress)
    epoch, epochs = int(progress.get("epoch", 0)), int(progress.get("epochs", 0))
    elapsed = float(progress.get("seconds", 0))
    return {
        "run": folder.name,
        "variant": folder.path.parent.name,
        "state": folder.state(),
        "epoch": epoch,
        "epochs": epochs,
        "elapsed": elapsed,
        "expected": elapsed / epoch * epochs if epoch and elapsed else math.nan,
    }
