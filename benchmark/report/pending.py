"""What an experiment still waits for: the runs that its tables lack, and how far each has come."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.runs.evidence import Evidence, find_runs
from benchmark.runs.folder import RunFolder
from benchmark.runs.workplace import STATES
from datamodules.files import read_json

SETTLED = ("done", "failed")
"""States that no running grid changes any more."""


@dataclass(frozen=True)
class PendingRun:
    """A run that isn't in the tables.

    Attributes:
        run: Its name.
        state: One of `benchmark.runs.workplace.STATES`.
        reason: Why it isn't counted.
        epochs: Finished, of all; empty before the first.
    """

    run: str
    state: str
    reason: str
    epochs: str


def pending_runs(evidence: Evidence, folders: Sequence[Path]) -> tuple[PendingRun, ...]:
    """The runs that the tables of an experiment lack; those that have no folder yet wait."""
    known = {run.name: run.folder for run in find_runs(folders) if run.record.experiment == evidence.experiment}
    return tuple(_pending(gap.run, gap.reason, known) for gap in evidence.gaps)


def in_words(states: Iterable[str]) -> str:
    """How many are in which state: "2 running, 5 waiting"."""
    counts = Counter(states)
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def _pending(name: str, reason: str, known: Mapping[str, RunFolder]) -> PendingRun:
    if name not in known:
        return PendingRun(name, "waiting", reason, "")
    progress = read_json(known[name].progress)
    epochs = f"{progress['epoch']} of {progress['epochs']}" if progress.get("epochs") else ""
    return PendingRun(name, known[name].state(), reason, epochs)
