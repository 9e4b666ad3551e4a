"""Reads what an offline run of Weights & Biases recorded: its package writes such files and has no reader for them.

A file is a header of 7 bytes, then blocks of 32 KiB that hold fragments of records, each fragment with a checksum, a
length and a kind (whole, first, middle, last), as in the log format of LevelDB.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

MAGIC = b":W&B"
HEADER = 7
BLOCK = 32 * 1024
FRAGMENT = struct.Struct("<IHB")
WHOLE, FIRST, LAST = 1, 2, 4


@dataclass(frozen=True)
class OfflineRun:
    """One recorded process: identity, configuration, rows of history, names of artifacts, and its summary."""

    id: str
    group: str
    job_type: str
    name: str
    config: dict[str, Any]
    history: list[dict[str, Any]]
    artifacts: list[str]
    summary: dict[str, Any]

    @property
    def logged(self) -> set[str]:
        """Every name that any row has."""
        return {key for row in self.history for key in row}


def read_runs(folder: Path) -> list[OfflineRun]:
    """All recordings in the `wandb` folder of a run, in the order of their making."""
    return [read_run(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]


def read_run(path: Path) -> OfflineRun:
    records = [_parse(content) for content in _contents(path.read_bytes())]
    of_kind: dict[str, list[Any]] = {}
    for record in records:
        kind = record.WhichOneof("record_type")
        of_kind.setdefault(kind, []).append(getattr(record, kind))
    (run, *_) = of_kind["run"]
    updates = [*run.config.update, *(item for config in of_kind.get("config", []) for item in config.update)]
    history = [_values(row.item) for row in of_kind.get("history", [])]
    artifacts = [artifact.name for artifact in of_kind.get("artifact", [])]
    requests = [request for request in of_kind.get("request", []) if request.HasField("log_artifact")]
    artifacts += [request.log_artifact.artifact.name for request in requests]
    summary = _values(item for update in of_kind.get("summary", []) for item in update.update)
    identity = (run.run_id, run.run_group, run.job_type, run.display_name)
    return OfflineRun(*identity, _values(updates), history, artifacts, summary)


def _parse(content: bytes) -> Record:
    record = Record()
    record.ParseFromString(content)
    return record


def _values(items: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in items:
        *sections, name = item.nested_key or [item.key]
        place = values
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = json.loads(item.value_json)
    return values


def _contents(data: bytes) -> Iterator[bytes]:
    """The records up to the end, or up to where a killed process stopped writing."""
    assert data[: len(MAGIC)] == MAGIC, "no recording of Weights & Biases"
    content = b""
    for kind, fragment in _fragments(data):
        content = fragment if kind in (WHOLE, FIRST) else content + fragment
        if kind in (WHOLE, LAST):
            yield content


def _fragments(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = HEADER
    while place + FRAGMENT.size <= len(data):
        left = BLOCK - place % BLOCK
        if left < FRAGMENT.size:
            place += left
            continue
        checksum, length, kind = FRAGMENT.unpack_from(data, place)
        fragment = data[place + FRAGMENT.size : place + FRAGMENT.size + length]
        if not kind or len(fragment) < length:
            return
        assert zlib.crc32(bytes([kind]) + fragment) == checksum, f"damaged at byte {place}"
        yield kind, fragment
        place += FRAGMENT.size + length
