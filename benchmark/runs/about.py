"""How the rows of an experiment were trained: `experiment.json`, beside the grid. How to read them: `reading.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmark.runs.tuned import Tuned
from datamodules.files import parsing, read_json, write_json

ABOUT = "experiment.json"


@dataclass(frozen=True)
class About:
    """How the rows of an experiment are trained.

    Attributes:
        scale: Patch size and length of training.
        recipes: Row to recipe.
        own: Rows that the experiment gives settings of their own in training or data.
        tuned: Where settings were found by `petmr tune`.
    """

    scale: str = ""
    recipes: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    tuned: Tuned | None = None

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "About":
        """From plain values."""
        tuned = Tuned.from_dict(entry["tuned"]) if entry["tuned"] else None
        return cls(entry["scale"], entry["recipes"], tuple(entry["own"]), tuned)


def write_about(folder: Path, about: About) -> None:
    """Write it beside the grid of an experiment."""
    write_json(folder / ABOUT, {**asdict(about), "tuned": about.tuned.to_dict() if about.tuned else None})


def read_about(folders: Iterable[Path]) -> tuple[About, ...]:
    """What some folders of runs say, those that say nothing left out."""
    return tuple(about for about in map(_read_about, folders) if about)


def _read_about(folder: Path) -> About | None:
    with parsing(folder / ABOUT):
        entry = read_json(folder / ABOUT)
        return About.from_dict(entry) if entry else None
