"""Runs that were not trained here: label maps of other tools, adopted as one fold's test of a row of their own."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.runs.folder import RunRecord
from datamodules.files import write_json

NETWORK = "adopted"
"""What stands for the network in the record of such a run."""

GRID = "adopted-grid.json"
"""Beside the grid of an experiment: the records of all runs that its adopted rows need to be complete."""


TOGETHER = ("cohort", "splits")
"""What the runs of one experiment must share."""


def is_adopted(record: RunRecord) -> bool:
    """Whether a run's label maps were made elsewhere."""
    return record.network == NETWORK


def expect(folder: Path, records: Sequence[RunRecord]) -> None:
    """Say beside the runs of an experiment which runs a newly adopted row needs; of another cohort nothing stays."""
    path = folder / GRID
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    new = [asdict(record) for record in records]
    kept = [entry for entry in known if entry not in new and all(entry[key] == new[0][key] for key in TOGETHER)]
    write_json(path, [*kept, *new])
