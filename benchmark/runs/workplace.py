"""A folder in which one process works at a time: its lock, its log, and how it ended."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.runs.lock import is_locked
from datamodules.files import read_json

STATES = ("done", "running", "failed", "preempted", "interrupted", "waiting")


@dataclass(frozen=True)
class Workplace:
    """Where one piece of work is done."""

    path: Path

    @property
    def name(self) -> str:
        """What the work is called: the last two folders."""
        return "/".join(self.path.parts[-2:])

    @property
    def log(self) -> Path:
        """What the process said."""
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        """Held while a process works here."""
        return self.path / "lock"

    @property
    def beginning(self) -> Path:
        """Held while a command writes here what is to be done, or what killed processes were writing is removed."""
        return self.path / "begin.lock"

    @property
    def ended(self) -> Path:
        """How the last process ended, where it could still say so."""
        return self.path / "ended.json"

    @property
    def done(self) -> Path:
        """Written last: the work is complete."""
        return self.path / "done.json"

    def is_done(self) -> bool:
        """Whether the completion marker says so; nothing else counts."""
        return self.done.is_file()

    def state(self) -> str:
        """One of `STATES`, from what lies here; an exit code is never believed."""
        if self.is_done():
            return "done"
        if is_locked(self.lock):
            return "running"
        if not self.lock.is_file():
            return "waiting"
        ended = str(read_json(self.ended).get("state", "interrupted"))
        return "interrupted" if ended == "done" else ended  # its scores have gone since
