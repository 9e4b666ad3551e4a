"""Processes whose parent is killed."""

import os
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path


def note_and_sleep(folder: Path) -> None:
    """What a process does that is to be orphaned."""
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def assert_end_with_parent(folder: Path, work: Callable[..., object], *args: object) -> None:
    """Begin work whose two processes note themselves in a folder, kill the one that waits, and see both end."""
    parent = get_context("spawn").Process(target=work, args=args)
    parent.start()
    deadline = time.monotonic() + 60
    while len(children := [int(path.name) for path in folder.iterdir()]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.kill()
    parent.join()
    while any(map(_runs, children)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
