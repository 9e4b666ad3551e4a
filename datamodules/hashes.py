"""Hashes of large files, computed once: remembered in the user's cache while the files' stamps stay the same."""

import os
import time
from pathlib import Path

from datamodules.files import digest, read_json, sha256, write_json

Stamp = list[int]

SETTLED_NS = 2 * 10**9
"""A file that was changed less than this ago may change again without a new time: file systems round, some to 2 s."""


class HashMemory:
    """What is known of the files of one folder; it saves reading gigabytes again, and is never needed for a result."""

    def __init__(self, folder: Path) -> None:
        """Recall what is known of the files in `folder`."""
        self.folder = folder.resolve()
        self.place = cache_folder() / "hashes" / f"{digest(str(self.folder))}.json"
        try:
            self.known = dict(read_json(self.place))
        except (OSError, ValueError, TypeError):  # a cache that is damaged is no cache
            self.known = {}
        self.changed = False

    def knows(self, name: str, expected: str) -> bool:
        """Whether it is remembered that a file of the folder, unchanged since, has a hash.

        Raises:
            OSError: If it isn't there.
        """
        return bool(self.known.get(name) == [*_stamp(self.folder / name), expected])

    def has(self, name: str, expected: str) -> bool:
        """Whether a file of the folder has a hash; read where nothing is remembered, and again before it is accused.

        Raises:
            OSError: If it can't be read.
        """
        return self.knows(name, expected) or self.sha256(name) == expected

    def forget(self, name: str) -> None:
        """Have a file read again next time."""
        self.known.pop(name, None)

    def sha256(self, name: str) -> str:
        """The hash of a file of the folder, read now.

        Raises:
            OSError: If it can't be read.
        """
        path, now = self.folder / name, time.time_ns()
        before = _stamp(path)
        found = sha256(path)
        if before == _stamp(path) and max(before[1:3]) + SETTLED_NS < now:
            self.known[name] = [*before, found]
            self.changed = True
        return found

    def save(self) -> None:
        """Remember; where the cache can't be written, the files are read again next time."""
        if self.changed:
            try:
                write_json(self.place, self.known)
            except OSError:
                return
            self.changed = False


def cache_folder() -> Path:
    """Where this user's caches of the suite lie: `$XDG_CACHE_HOME/petmr`, by default `~/.cache/petmr`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "petmr"


def _stamp(path: Path) -> Stamp:
    """Size, times and inode; the second time is of any change, and no program can set it."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
