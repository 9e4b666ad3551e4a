"""`petmr status`: how far the runs of an experiment have come."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from benchmark.evidence import GRID
from benchmark.objections import name_of
from benchmark.run_folder import STATES, RunFolder, RunRecord, read_json

NONE: Mapping[str, float] = MappingProxyType({})


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


def status_table(folders: Sequence[RunFolder], estimates: Mapping[str, float] = NONE) -> pd.DataFrame:
    """One row a run: name, state, finished epochs, elapsed and expected time.

    A run that hasn't finished an epoch is expected to take as long as the others of its variant on average, or else as
    long as estimated, or as all others on average.

    Args:
        folders: Of the runs.
        estimates: Variant to seconds that one of its runs is estimated to take.
    """
    rows = _rows(folders, estimates)
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


def unmeasured(folders: Sequence[RunFolder]) -> list[str]:
    """The variants of which no run has finished an epoch."""
    rows = _rows(folders, NONE)
    measured = set(rows["variant"][rows["epoch"] > 0])
    return [variant for variant in dict.fromkeys(rows["variant"]) if variant not in measured]


def summary(folders: Sequence[RunFolder], estimates: Mapping[str, float] = NONE) -> str:
    """A sentence: how many runs are in which state, and the time that those that aren't done still need."""
    rows = _rows(folders, estimates)
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


def _rows(folders: Sequence[RunFolder], estimates: Mapping[str, float]) -> pd.DataFrame:
    rows = pd.DataFrame([_row(folder) for folder in folders])
    known = rows["expected"].where(rows["expected"] > 0)
    alike = known.fillna(known.groupby(rows["variant"]).transform("mean"))
    rows["expected"] = alike.fillna(rows["variant"].map(estimates)).fillna(known.mean())
    return rows


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
        "expected": elapsed / epoch * epochs if epoch else 0.0,
    }
