"""Hashes of large files, computed once: remembered by size, time and inode in the user's cache."""

import os
from pathlib import Path

from datamodules.files import digest, read_json, sha256, write_json

Stamp = tuple[int, int, int]


class HashMemory:
    """What is known of the files of one folder; it saves reading gigabytes again, and is never needed for a result."""

    def __init__(self, folder: Path) -> None:
        """Recall what is known of the files in `folder`."""
        self.folder = folder.resolve()
        self.place = cache_folder() / "hashes" / f"{digest(str(self.folder))}.json"
        try:
            self.known = read_json(self.place)
        except (OSError, ValueError):  # a cache that is damaged is no cache
            self.known = {}
        self.changed = False

    def sha256(self, name: str) -> str:
        """The hash of a file of the folder; read only where its size, time or inode isn't what is remembered.

        Raises:
            OSError: If it can't be read.
        """
        path = self.folder / name
        stamp = list(_stamp(path))
        entry = self.known.get(name)
        if entry and entry[:-1] == stamp:
            return str(entry[-1])
        found = sha256(path)
        self.known[name] = [*stamp, found]
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
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
