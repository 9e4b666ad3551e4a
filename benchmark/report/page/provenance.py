"""Where a page comes from: the command, the code and the day. Only the page tells; tables don't change with the day."""

import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

CODE = Path(__file__).parent


@dataclass(frozen=True)
class Provenance:
    """What made a page.

    Attributes:
        command: As it was typed.
        commit: Of the code, and whether it was changed since.
        date: With the time and its zone.
    """

    command: str
    commit: str
    date: str

    @classmethod
    def now(cls) -> "Provenance":
        """Of the process that asks."""
        program, *words = sys.argv
        date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")
        return cls(shlex.join([Path(program).name, *words]), commit(CODE), date)


def commit(folder: Path) -> str:
    """The commit that a folder is checked out from; the package's version outside a repository."""
    head = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not head:
        return f"version {version('petmr-bench')}, no repository"
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{head}, with changes" if changed else head


def _git(folder: Path, *words: str) -> str:
    """What git answers; nothing where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
