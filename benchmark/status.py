"""`petmr status`: how far the runs of an experiment have come."""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark.run_folder import RunFolder, read_json


def find_runs(folder: Path) -> list[RunFolder]:
    """All runs below a folder.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = [RunFolder(record.parent) for record in sorted(folder.glob("**/run.json"))]
    if not found:
        raise FileNotFoundError(f"{folder}: holds no runs.")
    return found


def status_table(folders: Sequence[RunFolder]) -> pd.DataFrame:
    """One row a run: name, state, finished epochs, elapsed and expected time.

    A run that hasn't finished an epoch is expected to take as long as the others of its variant, or of all, on average.
    """
    rows = pd.DataFrame([_row(folder) for folder in folders])
    known = rows["expected"].where(rows["expected"] > 0)
    rows["expected"] = known.fillna(known.groupby(rows["variant"]).transform("mean")).fillna(known.mean())
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


def duration(seconds: float) -> str:
    """`1:02:03`, or a dash where unknown."""
    if math.isnan(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _row(folder: RunFolder) -> dict[str, str | int | float]:
    progress = read_json(folder.progress)
    epoch, epochs = int(progress.get("epoch", 0)), int(progress.get("epochs", 0))
    elapsed = float(progress.get("seconds", 0))
    return {
        "run": "/".join(folder.path.parts[-2:]),
        "variant": folder.path.parent.name,
        "state": folder.state(),
        "epoch": epoch,
        "epochs": epochs,
        "elapsed": elapsed,
        "expected": elapsed / epoch * epochs if epoch else 0.0,
    }
