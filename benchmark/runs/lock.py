"""One process at a time in a run folder; the system frees the lock however its holder ends."""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

LOCKLESS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a network file system without a lock service answers."""


class LockedError(OSError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path`, which names its holder.

    A file left behind by a process that has ended is no lock: what counts is the lock that the system keeps on it.

    Args:
        path: The file; made where it isn't there.
        patience_s: Seconds to wait for a holder that is about to end.

    Raises:
        LockedError: Naming host and process of the holder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + patience_s
        while not _try(file):
            if time.monotonic() > deadline:
                raise LockedError(refusal(path))
            time.sleep(0.1)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # closing it would leave the lock to children that were forked meanwhile


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8") as file:
        return not _try(file, fcntl.LOCK_SH)  # shared: those who only look don't keep each other out


def refusal(path: Path) -> str:
    """A sentence that says who holds the lock file."""
    return f"{path.parent}: is in use by {_holder(path)}. Wait for it, or stop it first."


def _try(file: TextIO, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise
        raise OSError(
            f"{Path(file.name).parent}: its file system keeps no locks ({error.strerror}), so that two processes could "
            "write into one run. Choose an --output on another one, or have flock switched on (local_lock, -o flock)."
        ) from error
    return True


def _holder(path: Path) -> str:
    return path.read_text(encoding="utf-8") or "another process"
