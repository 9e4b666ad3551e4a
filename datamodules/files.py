"""Files that a reader never meets half-written: a temporary name in the same folder, flushed, then renamed."""

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import yaml

if TYPE_CHECKING:
    import pandas as pd


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk, a quota and a limit on sizes."""


FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError, yaml.YAMLError)
"""What taking apart a file that holds something else raises."""


class DiskFullError(OSError):
    """There is no room for a file."""

    def __init__(self, path: Path, number: int) -> None:
        """Say so of a file that was to be written, and the number of the error."""
        super().__init__(number, f"disk full: {path}: there is no room for it. Make some, and give the command again.")

    def __str__(self) -> str:
        return str(self.strerror)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of `path` to write to; on success it takes the name, on failure it goes.

    The temporary name keeps the suffixes, since nibabel and matplotlib choose the format by them.

    Raises:
        DiskFullError: If there is no room for it; what had the name before is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")  # as `remove_temporaries` knows it
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in FULL and not isinstance(error, DiskFullError):
            raise DiskFullError(path, error.errno) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Refuse a place that no file can be written to before the work for it begins; nothing is made.

    Raises:
        OSError: Saying why.
    """
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; expected the name of a file to write.")
    if not above.is_dir():
        raise NotADirectoryError(f"{path}: can't be written, as {above} is a file.")
    if not os.access(above, os.W_OK):
        raise PermissionError(f"{path}: can't be written: no permission in {above}.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time read a file and write it anew; another waits. Nothing is left of it afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.with_name(f".{path.name}.lock")
    while True:
        file = place.open("a")
        fcntl.flock(file, fcntl.LOCK_EX)
        if _has_name(file, place):
            break
        file.close()  # who held it before has removed it
    try:
        yield
    finally:
        place.unlink()
        file.close()


def _has_name(file: TextIO, name: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), name.stat())
    except FileNotFoundError:
        return False


def remove_temporaries(folder: Path) -> None:
    """Remove what killed processes were writing anywhere below a folder, where no other process may be writing."""
    for path in folder.rglob(".*"):
        if re.match(r"\.\d+\.", path.name) and path.is_file():
            path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table whole or not at all, every number to its last digit."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def sha256(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """A short hash of a JSON-able value, the same whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def parsing(path: Path) -> Iterator[None]:
    """Name the file whose content turns out to be another than was expected while it is taken apart.

    Raises:
        ValueError: If it is.
    """
    try:
        yield
    except FAULTS as error:
        raise ValueError(f"{path}: is damaged, or no file of this suite ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    """The first line of what an error says; where it is of a key or says nothing, also what kind it is."""
    (said, *_) = str(error).splitlines() or [""]
    return f"{type(error).__name__} {said}".strip() if isinstance(error, KeyError) or not said else said


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where there is none.

    Raises:
        ValueError: If it holds something else.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is damaged: it is no JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: is damaged: it holds no JSON object.")
    return content
