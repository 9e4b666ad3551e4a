"""What a finished run swears to: the hashes of the files that its results rest on, in `done.json`."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.files import read_json, sha256
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
    return {HASHES: _hashes(folder, names)}


def broken(folder: Path, marker: Path) -> list[str]:
    """Why the files beside a completion marker can't be believed, a phrase each; empty where all are as they were."""
    sworn = read_json(marker).get(HASHES)
    if not sworn:
        return [f"its {marker.name} swears to no file, as those of older versions: start it over with --restart"]
    gone = [name for name in sworn if not (folder / name).is_file()]
    now = _hashes(folder, [name for name in sworn if name not in gone])
    return [
        *(f"its {name} is gone" for name in gone),
        *(f"its {name} isn't what the run wrote" for name, found in now.items() if found != sworn[name]),
    ]


def _hashes(folder: Path, names: Sequence[str]) -> dict[str, str]:
    memory = HashMemory(folder)
    found = {
        name: memory.sha256(name) if (folder / name).stat().st_size >= LARGE else sha256(folder / name)
        for name in names
    }
    memory.save()
    return found
