"""Opening packs of others: nothing leads out of the folder, nothing is larger than it says, nothing has changed.

A pack is data from anywhere. Names decide first (`layout`), then sizes, before a byte is unpacked; then every file must
have the hash of the index, and hold what its name promises (`content`).
"""

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.runs.contributions import Origin, mark_opened
from benchmark.sharing.content import check_contents
from benchmark.sharing.layout import FORMAT, INDEX, is_allowed
from benchmark.sharing.merge import settle
from datamodules.files import digest
from datamodules.sources.subjects import named

MOST_FILES = 200_000
MOST_BYTES = 16 * 2**30
MOST_OF_INDEX = 64 * 2**20
RATIO = 200
"""What is packed shrinks by less than ten; deflate can shrink zeros by a thousand, which is how bombs are made."""

CHUNK = 2**20
ENCRYPTED = 0x1
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError)
"""What zipfile says of a file that is cut short, changed, encrypted, or packed by a method that it doesn't know."""


@contextmanager
def opened(places: Sequence[Path]) -> Iterator[list[Path]]:
    """Give folders of runs as they are, and packs as folders that exist for the while.

    Args:
        places: Folders of experiments, and packs (`.zip`).

    Raises:
        FileNotFoundError: If there is no such place.
        ValueError: If a pack is damaged, may not be opened, or can't be merged with the others.
    """
    with TemporaryDirectory(prefix="petmr-packs-") as temporary:
        folders = []
        for number, place in enumerate(places):
            if not place.exists():
                raise FileNotFoundError(f"{place}: there is no such folder or pack.")
            folders.append(place if place.is_dir() else open_pack(place, Path(temporary) / str(number)))
        settle(folders)
        yield folders


def open_pack(path: Path, into: Path) -> Path:
    """Unpack a pack into a folder that doesn't exist yet.

    Raises:
        ValueError: If it is no pack, is damaged, or holds what no pack may.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(path, archive)
            index = _read_index(path, archive)
            for name, known in index["files"].items():
                _extract(path, archive, name, known, into / name)
    except DAMAGE as error:
        raise ValueError(f"{path}: is no pack that can be read whole ({error}). Copy it again.") from error
    check_contents(path, into)
    mark_opened(into, Origin(path.name, str(index.get("by", "")), digest(index)))
    return into


def _check_names(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse by the directory of the zip file alone, before anything is unpacked."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise ValueError(f"{path}: holds {len(entries)} files; a pack has at most {MOST_FILES}.")
    if foreign := [entry.filename for entry in entries if not is_allowed(entry.filename) or _is_odd(entry)]:
        raise ValueError(
            f"{path}: holds {named(map(repr, foreign))}; expected nothing but what `petmr pack` writes: no other "
            "names, no links, no encryption. It isn't opened."
        )
    folded = [entry.filename.casefold() for entry in entries]
    if len(set(folded)) < len(folded):
        raise ValueError(f"{path}: holds two files of one name. It isn't opened.")
    _check_sizes(path, archive)


def _is_odd(entry: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return kind not in (0, stat.S_IFREG) or bool(entry.flag_bits & ENCRYPTED)


def _check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    total = sum(entry.file_size for entry in archive.infolist())
    size = path.stat().st_size
    if total > MOST_BYTES or total > RATIO * size:
        raise ValueError(
            f"{path}: {size} bytes claim to hold {total}; a pack holds at most {MOST_BYTES} and {RATIO} times its "
            "size. It isn't opened."
        )


def _read_index(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    names = {entry.filename for entry in archive.infolist()}
    if INDEX not in names or archive.getinfo(INDEX).file_size > MOST_OF_INDEX:
        raise ValueError(f"{path}: has no index ({INDEX}); expected a file that `petmr pack` has written.")
    try:
        index = json.loads(archive.read(INDEX))
    except ValueError as error:
        raise ValueError(f"{path}: its {INDEX} is no JSON ({error}).") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT or not isinstance(index.get("files"), dict):
        found = index.get("format") if isinstance(index, dict) else None
        raise ValueError(f"{path}: has the format {found}; expected {FORMAT}. Pack it again with this version.")
    if differing := sorted(set(index["files"]) ^ (names - {INDEX})):
        raise ValueError(f"{path}: its index and its files differ in {named(differing)}. Copy it again.")
    return index


def _extract(path: Path, archive: zipfile.ZipFile, name: str, known: Mapping[str, Any], target: Path) -> None:
    """Write one file, never more than it says, and compare its hash with the index."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left, hashed = archive.getinfo(name).file_size, hashlib.sha256()
    with archive.open(name) as packed, target.open("xb") as file:
        while chunk := packed.read(min(CHUNK, left)):
            left -= file.write(chunk)
            hashed.update(chunk)
    if not isinstance(known, dict) or hashed.hexdigest() != known.get("sha256"):
        raise ValueError(f"{path}: its {name} isn't what was packed (another hash). Copy it again.")
