"""`petmr status`: how far the runs of an experiment have come."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.runs.evidence import GRID
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.objections import name_of
from benchmark.runs.workplace import STATES, Workplace
from datamodules.files import read_json
from datamodules.sources.subjects import number_of


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
    """One row a run, of what its training has written of itself.

    Columns: run, variant, state; epoch (finished) and epochs; loss and dice (of the last validation); elapsed, left and
    expected seconds. NaN is what isn't known, as before the first epoch.
    """
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


def overview(folders: Sequence[RunFolder]) -> tuple[pd.DataFrame, str, bool]:
    """The table and the sentence of `petmr status`, and whether a run is at work or waits."""
    rows = expect(read_progress(folders), estimates={})
    return status_table(rows), summary(rows), bool(rows["state"].isin(["running", "waiting"]).any())


def status_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What `expect` gives, for reading."""
    going = rows["state"].isin(["done", "running"])
    left = rows["left"].fillna(rows["expected"] - rows["elapsed"]).clip(lower=0)
    return pd.DataFrame(
        {
            "run": rows["run"],
            "state": rows["state"],
            "epochs": [
                f"{done}/{all_}" if all_ else "-" for done, all_ in zip(rows["epoch"], rows["epochs"], strict=True)
            ],
            "loss": [_number(loss) for loss in rows["loss"].where(going)],
            "Dice": [_number(dice) for dice in rows["dice"].where(going)],
            "elapsed": rows["elapsed"].map(duration),
            "left": left.where(rows["state"] != "done").map(duration),
        }
    )


def standing(place: Workplace) -> str:
    """A line on what goes on in one place: its training, then its test."""
    predictions = place.predictions if isinstance(place, RunFolder) else place.path
    if tested := len(list(predictions.glob("scored/*.csv"))):
        return f"{place.name}: {number_of(tested, 'subject')} tested"
    known = _row(place) if isinstance(place, RunFolder) else {}
    if not known.get("epochs"):
        return f"{place.name}: begins"
    parts = [f"epoch {known['epoch']}/{known['epochs']}", f"loss {_number(known['loss'])}"]
    parts += [f"Dice {_number(known['dice'])}", f"{duration(known['left'])} left"]
    return f"{place.name}: {', '.join(map(str, parts))}"


def unmeasured(progress: pd.DataFrame) -> list[str]:
    """The variants of which no run has finished an epoch."""
    measured = set(progress["variant"][progress["epoch"] > 0])
    return [variant for variant in dict.fromkeys(progress["variant"]) if variant not in measured]


def summary(rows: pd.DataFrame) -> str:
    """A sentence on what `expect` gives: how many runs are in which state, and the time that the rest still needs."""
    listed = counted(rows)
    left = (rows["expected"] - rows["elapsed"])[rows["state"] != "done"].clip(lower=0)
    if left.empty:
        return f"{listed}."
    if left.isna().any():
        return f"{listed}. How long the rest takes is known once a run has finished an epoch."
    return f"{listed}. One after the other the rest takes {duration(left.sum())}."


def counted(rows: pd.DataFrame) -> str:
    """How many runs are in which state: `2 done, 8 waiting`."""
    counts = rows["state"].value_counts()
    return ", ".join(f"{counts[state]} {state}" for state in STATES if state in counts)


def duration(seconds: float) -> str:
    """`1:02:03`, or a dash where unknown."""
    if math.isnan(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _places(grid: Path) -> list[Path]:
    entries = json.loads(grid.read_text(encoding="utf-8"))
    return [grid.parent / name_of(RunRecord(**entry)) for entry in entries]


def _row(folder: RunFolder) -> dict[str, Any]:
    known = read_json(folder.progress)
    epoch, epochs = (int(known.get(name) or 0) for name in ("epoch", "epochs"))
    elapsed, left = float(known.get("seconds") or 0), _float(known.get("left"))
    if math.isnan(left) and epoch and elapsed:
        left = max(elapsed / epoch * (epochs - epoch), 0.0)
    return {
        "run": folder.name,
        "variant": folder.path.parent.name,
        "state": folder.state(),
        "epoch": epoch,
        "epochs": epochs,
        "loss": _float(known.get("loss")),
        "dice": _float(known.get("dice")),
        "elapsed": elapsed,
        "left": left,
        "expected": elapsed + left,
    }


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
