"""Packs with some files changed under an index that agrees with them: what an index can't tell."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path


def unzipped(pack: Path) -> dict[str, bytes]:
    """Every file of a pack."""
    with zipfile.ZipFile(pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(
    good: Path, target: Path, files: Mapping[str, bytes | None], modes: Mapping[str, int] | None = None
) -> Path:
    """The same pack with some files changed, added or (None) left out, under an index that agrees with them."""
    whole: dict[str, bytes | None] = {**unzipped(good)}
    index = json.loads(whole.pop("pack.json") or b"")
    contents = {name: content for name, content in {**whole, **files}.items() if content is not None}
    index["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in contents.items()
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**contents, "pack.json": json.dumps(index).encode()}.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (modes or {}).get(name, 0) << 16
            archive.writestr(entry, content)
    return target
