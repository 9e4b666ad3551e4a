"""How an experiment asks to be read: what its rows are called, what an absent structure pays, which structures count.

Nothing here changes a score: `cases.csv` holds all of them, and the same runs can be read in another way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from benchmark.scoring.absence import Absent
from datamodules.files import parsing, read_json, write_json

Order = Literal["rank", "paper"]
READING = "reading.json"
"""Beside the runs of an experiment."""


@dataclass(frozen=True)
class Reading:
    """How the cases of an experiment are read.

    Attributes:
        labels: Variant to its name in tables and figures, where it isn't that of its network.
        absent: Whether the leading distance charges missed and spurious structures, or is of found ones alone.
        scored: Structures that means are over; empty for all.
        order: Of the rows that are networks: by rank, or as in the paper's Table 1.
        by: Covariates by which the subjects are divided.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    absent: Absent = "penalise"
    scored: Sequence[str] = ()
    order: Order = "rank"
    by: Sequence[str] = ()

    def changed(self, changes: "Changes") -> "Reading":
        """As this, but for what is given."""
        return replace(self, **{name: value for name, value in vars(changes).items() if value is not None})

    def counted(self, cases: pd.DataFrame) -> pd.DataFrame:
        """The cases that means are over.

        Raises:
            ValueError: If a structure isn't in them.
        """
        if not self.scored:
            return cases
        check_structures(self.scored, list(cases["structure"].unique()))
        return cases[cases["structure"].isin(list(self.scored))]


@dataclass(frozen=True)
class Changes:
    """To a reading; None leaves it as it is. Attributes as of `Reading`."""

    absent: Absent | None = None
    scored: Sequence[str] | None = None
    order: Order | None = None


def check_structures(scored: Sequence[str], known: Sequence[str]) -> None:
    """Refuse structures that there aren't.

    Raises:
        ValueError: Naming them and those that there are.
    """
    if unknown := [name for name in scored if name not in known]:
        raise ValueError(f"No structure is called {', '.join(unknown)}; 'scored' can name {', '.join(known)}.")


def write_reading(folder: Path, reading: Reading) -> None:
    """Say beside the runs of an experiment how they are read."""
    write_json(folder / READING, {**asdict(reading), "scored": list(reading.scored), "by": list(reading.by)})


def read_reading(places: Sequence[Path]) -> Reading:
    """The reading in the first of some folders that holds one."""
    found = [place / READING for place in places if (place / READING).is_file()]
    if not found:
        return Reading()
    with parsing(found[0]):
        return Reading(**read_json(found[0]))
