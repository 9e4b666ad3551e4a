"""Who contributed which runs: an opened pack says so in a file of its own, every other run is of this machine."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.runs.evidence import Evidence
from benchmark.runs.objections import FoundRun
from datamodules.files import read_json, write_json

OPENED = "opened.json"
"""On top of a pack's contents, where it was opened: which pack that was."""

COLUMNS = ("source", "by", "hash", "runs", "networks", "hardware")


@dataclass(frozen=True)
class Origin:
    """Where runs come from.

    Attributes:
        source: File name of the pack, or name of the folder; never a path.
        by: Who made the pack, as the maker says.
        hash: Of the pack's contents.
    """

    source: str
    by: str = ""
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.source} (by {self.by})" if self.by else self.source


def mark_opened(folder: Path, origin: Origin) -> None:
    """Say on top of a pack's contents which pack they are of."""
    write_json(folder / OPENED, vars(origin))


def origin_of(folder: Path) -> Origin:
    """Where the runs of a folder, or a run, come from."""
    for above in (folder, *folder.parents):
        if (above / OPENED).is_file():
            return Origin(**read_json(above / OPENED))
    return Origin(folder.name)


def contributions(evidence: Evidence) -> pd.DataFrame:
    """One row for each origin of an experiment's runs, with `COLUMNS`; networks are rows of the tables."""
    runs: dict[Origin, list[FoundRun]] = {}
    for run in evidence.runs:
        experiment = run.folder.path.parents[1]
        runs.setdefault(origin_of(experiment), []).append(run)
    rows = [
        (origin.source, origin.by, origin.hash, len(own), _listed(own, "variant"), _hardware(own))
        for origin, own in runs.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _listed(runs: list[FoundRun], field: str) -> str:
    return ", ".join(dict.fromkeys(str(getattr(run.record, field)) for run in runs))


def _hardware(runs: list[FoundRun]) -> str:
    found = [read_json(run.folder.done).get("hardware") for run in runs]
    return "; ".join(dict.fromkeys(str(one) for one in found if one))
