"""The folds of a cohort on disk: a table to read and edit, and the certificate that vouches for it.

`splits/5-folds-seed-0.csv` has a row for each subject and a column for each fold, holding the part. The certificate
beside it (`.json`) holds the hash over subjects, folds and seed, and which structures a part lacks. A table that was
edited is refused until `petmr split` has been run again: it checks the table and writes a new certificate.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from datamodules.cohort.folds import Fold, Splits, check_splits, external_splits, make_splits, own_splits
from datamodules.cohort.store import Cohort
from datamodules.files import write_csv, write_json
from datamodules.sources.subjects import PARTS, named
from datamodules.tables import read_table

__all__ = ["Certificate", "Fold", "Kind", "Splits", "certify", "load_splits", "make_splits", "splits_path"]

Kind = Literal["folds", "own", "test-only"]


@dataclass(frozen=True)
class PartContent:
    """What one part of one fold holds.

    Attributes:
        fold: Number of the fold, from 0.
        part: train, validation or test.
        subjects: How many.
        groups: How many.
        missing: Structures that none of its subjects has.
        unlabelled: Subjects whose label map is all background.
    """

    fold: int
    part: str
    subjects: int
    groups: int
    missing: tuple[str, ...]
    unlabelled: tuple[str, ...]


@dataclass(frozen=True)
class Certificate:
    """What vouches for folds.

    Attributes:
        splits: The folds.
        contents: Each part of each fold.
        table: Where the folds lie.
    """

    splits: Splits
    contents: tuple[PartContent, ...]
    table: Path


def splits_path(cohort: Path, folds: int, seed: int) -> Path:
    """Where the table of the folds of a cohort lies; the certificate has the suffix `.json`."""
    return cohort / "splits" / f"{folds}-folds-seed-{seed}.csv"


def certify(cohort: Cohort, folds: int, seed: int, kind: Kind = "folds") -> Certificate:
    """Draw folds where there are none, check those that are there, and write the certificate.

    Args:
        cohort: Whose.
        folds: How many; 1 for the kinds `own` and `test-only`.
        seed: Of the draw.
        kind: How new folds come about: drawn, the source's own split, or everyone tested.

    Raises:
        ValueError: If they can't be made, or those on disk don't fit the cohort.
    """
    table = splits_path(cohort.path, folds, seed)
    splits = _read_table(table, seed) if table.is_file() else _make(cohort, folds, seed, kind)
    if kind != "folds" and splits != _make(cohort, folds, seed, kind):
        raise ValueError(f"{table}: holds other folds than those of the kind '{kind}'. Delete it to have them made.")
    check_splits(splits, cohort.groups, str(table))
    certificate = Certificate(splits, _contents(cohort, splits), table)
    if not table.is_file():
        write_csv(table, _frame(cohort, splits))
    write_json(table.with_suffix(".json"), _as_json(certificate))
    return certificate


def load_splits(cohort: Cohort, folds: int, seed: int) -> Splits:
    """Read the saved folds of a cohort, drawing and saving them the first time.

    Raises:
        ValueError: If they can't be drawn, don't fit the cohort, or were edited after they had been certified.
    """
    table = splits_path(cohort.path, folds, seed)
    if not table.is_file():
        return certify(cohort, folds, seed).splits
    splits = _read_table(table, seed)
    check_splits(splits, cohort.groups, str(table))
    certified = table.with_suffix(".json")
    known = json.loads(certified.read_text(encoding="utf-8"))["fingerprint"] if certified.is_file() else None
    if known != splits.fingerprint:
        raise ValueError(
            f"{table}: its folds have the hash {splits.fingerprint}, its certificate {known}: it was edited. "
            f"Certify the change: petmr split {shlex.quote(str(cohort.path))} --folds {folds} --seed {seed}"
        )
    return splits


def foresee_splits(cohort: Cohort, folds: int, seed: int) -> Splits:
    """What `load_splits` would give; folds that aren't there yet are drawn, but not saved.

    Raises:
        ValueError: As `load_splits`.
    """
    if splits_path(cohort.path, folds, seed).is_file():
        return load_splits(cohort, folds, seed)
    return _make(cohort, folds, seed, "folds")


def _make(cohort: Cohort, folds: int, seed: int, kind: Kind) -> Splits:
    if kind != "folds" and folds != 1:
        raise ValueError(f"Folds of the kind '{kind}' are a single one, not {folds}: ask for --folds 1.")
    parts = {subject.id: subject.part for subject in cohort.subjects.values()}
    ways: dict[Kind, Callable[[], Splits]] = {
        "folds": lambda: make_splits(cohort.groups, folds, seed),
        "own": lambda: own_splits(parts, seed),
        "test-only": lambda: external_splits(cohort.groups, seed),
    }
    return ways[kind]()


def _frame(cohort: Cohort, splits: Splits) -> pd.DataFrame:
    columns = {f"fold-{number}": fold.part_of for number, fold in enumerate(splits.folds)}
    rows = [
        {"subject": name, "group": group, **{column: part_of[name] for column, part_of in columns.items()}}
        for name, group in sorted(cohort.groups.items())
    ]
    return pd.DataFrame(rows)


def _read_table(path: Path, seed: int) -> Splits:
    frame = read_table(path)
    columns = [name for name in frame.columns if name.startswith("fold-")]
    if "subject" not in frame or not columns:
        raise ValueError(
            f"{path}: has the columns {', '.join(frame.columns)}; expected subject, group, fold-0, fold-1, ..."
        )
    wrong = sorted(set(frame[columns].to_numpy().ravel()) - set(PARTS))
    if wrong:
        raise ValueError(f"{path}: has the part {named(map(repr, wrong))}; expected {', '.join(PARTS)}.")
    folds = [Fold(*(tuple(sorted(frame["subject"][frame[column] == part])) for part in PARTS)) for column in columns]
    return Splits(tuple(folds), seed)


def _contents(cohort: Cohort, splits: Splits) -> tuple[PartContent, ...]:
    return tuple(
        _content(cohort, number, part, getattr(fold, part))
        for number, fold in enumerate(splits.folds)
        for part in PARTS
    )


def _content(cohort: Cohort, number: int, part: str, subjects: tuple[str, ...]) -> PartContent:
    members = [cohort.subjects[subject] for subject in subjects]
    present = np.sum([member.voxels for member in members], axis=0) if members else np.ones(cohort.protocol.num_classes)
    return PartContent(
        fold=number,
        part=part,
        subjects=len(members),
        groups=len({member.group for member in members}),
        missing=tuple(name for name, voxels in zip(cohort.protocol.names, present, strict=True) if not voxels),
        unlabelled=tuple(member.id for member in members if not any(member.voxels[1:])),
    )


def _as_json(certificate: Certificate) -> dict[str, object]:
    splits = certificate.splits
    return {
        "fingerprint": splits.fingerprint,
        "seed": splits.seed,
        "folds": [asdict(fold) for fold in splits.folds],
        "contents": [asdict(content) for content in certificate.contents],
    }
