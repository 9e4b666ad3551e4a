"""What a finished run swears to: the hashes of the files that its results rest on, in `done.json`."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.files import parsing, read_json, sha256
from datamodules.hashes import HashMemory

SEALED = ("run.json", "settings.yaml", "parts.json", "cases.csv", "checkpoints/best.ckpt")
"""Files of a run folder."""

HASHES = "sha256"
"""Key of `done.json`."""

LARGE = 2**20
"""Bytes from which a hash is worth remembering; packs are unpacked anew for each report, and shouldn't fill a cache."""


def seal(folder: Path, names: Sequence[str] = SEALED) -> dict[str, dict[str, str]]:
    """The entry of a completion marker that `broken` compares with.

    Raises:
        OSError: If a file is missing.
    """
    return {HASHES: {name: sha256(folder / name) for name in names}}


def broken(folder: Path, marker: Path) -> list[str]:
    """Why the files beside a completion marker can't be believed, a phrase each; empty where all are as they were."""
    with parsing(marker):
        sworn = {str(name): str(hashed) for name, hashed in (read_json(marker).get(HASHES) or {}).items()}
    if not sworn:
        return [f"its {marker.name} swears to no file, as those of older versions: start it over with --restart"]
    memory = HashMemory(folder)
    phrases = [
        f"its {name} isn't what the run wrote" if (folder / name).is_file() else f"its {name} is gone"
        for name, hashed in sworn.items()
        if not ((folder / name).is_file() and _holds(memory, name, hashed))
    ]
    memory.save()
    return phrases


def _holds(memory: HashMemory, name: str, hashed: str) -> bool:
    path = memory.folder / name
    return memory.has(name, hashed) if path.stat().st_size >= LARGE else sha256(path) == hashed
