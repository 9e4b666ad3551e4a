"""Folds: which subjects train, validate and test; a group never stands in two parts of a fold."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from datamodules.files import digest
from datamodules.sources.subjects import PARTS, named, number_of
from datamodules.volumes.grid import Array

VALIDATION_SHARE = 0.2
"""Share of the groups outside the test part that validate (rounded, at least one); the paper names none."""


@dataclass(frozen=True)
class Fold:
    """One division of the subjects; every subject stands in exactly one part."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def part_of(self) -> dict[str, str]:
        """Subject to part."""
        return {subject: part for part in PARTS for subject in getattr(self, part)}


@dataclass(frozen=True)
class Splits:
    """All folds of a cohort.

    Attributes:
        folds: No subject is in the test part of two.
        seed: What they were drawn with.
    """

    folds: tuple[Fold, ...]
    seed: int

    @property
    def fingerprint(self) -> str:
        """A hash over seed, folds and subjects: results with different hashes must not share a table."""
        return digest(asdict(self))


def make_splits(groups: Mapping[str, str], folds: int, seed: int) -> Splits:
    """Draw k-fold splits in which a group never stands in two parts of a fold.

    Validation groups come out of the training part; the test part of a fold is for use once, at the end.

    Args:
        groups: Subject to group.
        folds: How many, at least two.
        seed: Of the draw.

    Raises:
        ValueError: If there are fewer groups than folds, or too few to leave one for validation.
    """
    count = len(set(groups.values()))
    if folds < 2:
        raise ValueError(
            f"{number_of(folds, 'fold')} can't be tested on unseen subjects: ask for at least 2. A single one comes "
            "from the source's own split (petmr split COHORT --folds 1 --kind own), or tests all (--folds 1 --kind "
            "test-only)."
        )
    if count < len(PARTS):
        raise ValueError(
            f"{number_of(count, 'group')} can't be divided into {', '.join(PARTS)}: add subjects, or test all of them "
            "(petmr split COHORT --folds 1 --kind test-only)."
        )
    if count < folds:
        raise ValueError(f"{count} groups can't make {folds} folds: ask for at most {count}, or add subjects.")
    if count - -(-count // folds) < 2:
        raise ValueError(
            f"{count} groups in {folds} folds leave a single one to train and validate on: "
            "ask for more folds, or add subjects."
        )
    from sklearn.model_selection import GroupKFold  # takes a second, which those who read known folds needn't wait

    subjects = np.array(sorted(groups))
    of = np.array([groups[subject] for subject in subjects])
    parts = GroupKFold(folds, shuffle=True, random_state=seed).split(subjects, groups=of)
    return Splits(tuple(_fold(subjects, of, rest, test, seed + k) for k, (rest, test) in enumerate(parts)), seed)


def _fold(subjects: Array, groups: Array, rest: Array, test: Array, seed: int) -> Fold:
    names = np.unique(groups[rest])
    size = max(1, round(VALIDATION_SHARE * len(names)))
    chosen = np.random.default_rng(seed).choice(names, size, replace=False)
    validates = np.isin(groups[rest], chosen)
    train, validation = rest[~validates], rest[validates]
    return Fold(*(tuple(subjects[part].tolist()) for part in (train, validation, test)))


def own_splits(parts: Mapping[str, str], seed: int) -> Splits:
    """The single fold of a source that brings its own split, such as the paper's layout.

    Args:
        parts: Subject to part.
        seed: Recorded, nothing is drawn.

    Raises:
        ValueError: If a subject has no part.
    """
    without = sorted(subject for subject, part in parts.items() if not part)
    if without:
        raise ValueError(
            f"The source has no split of its own for {named(without)}: expected {', '.join(PARTS)} for every subject, "
            "by its layout or a manifest column 'part'."
        )
    return Splits((_sorted_fold(parts),), seed)


def external_splits(groups: Mapping[str, str], seed: int) -> Splits:
    """The single fold of an external cohort: everyone is tested, nobody trains."""
    return Splits((_sorted_fold(dict.fromkeys(groups, "test")),), seed)


def _sorted_fold(parts: Mapping[str, str]) -> Fold:
    return Fold(*(tuple(sorted(subject for subject, part in parts.items() if part == one)) for one in PARTS))


def check_splits(splits: Splits, groups: Mapping[str, str], where: str) -> None:
    """Refuse folds that don't fit a cohort, put a group in two parts, or test a subject twice.

    Args:
        splits: The folds.
        groups: Subject to group, all subjects of the cohort.
        where: What the message names.

    Raises:
        ValueError: Naming the fold and the subject or group.
    """
    tested: dict[str, int] = {}
    for number, fold in enumerate(splits.folds):
        _check_subjects(fold, groups, f"{where}: fold {number}")
        _check_groups(fold, groups, f"{where}: fold {number}")
        for subject in fold.test:
            if tested.setdefault(subject, number) != number:
                raise ValueError(
                    f"{where}: {subject} is tested in fold {tested[subject]} and in fold {number}; expected once."
                )


def _check_subjects(fold: Fold, groups: Mapping[str, str], where: str) -> None:
    listed = [subject for part in PARTS for subject in getattr(fold, part)]
    if strangers := sorted(set(listed) - set(groups)):
        raise ValueError(f"{where} names {named(strangers)}, which the cohort does not hold.")
    if forgotten := sorted(set(groups) - set(listed)):
        raise ValueError(f"{where} says nothing of {named(forgotten)}, which the cohort holds.")
    if twice := sorted(subject for subject, count in Counter(listed).items() if count > 1):
        raise ValueError(f"{where} has {named(twice)} in two parts; a subject must stand in one.")


def _check_groups(fold: Fold, groups: Mapping[str, str], where: str) -> None:
    part_of: dict[str, str] = {}
    for subject, part in fold.part_of.items():
        group = groups[subject]
        if part_of.setdefault(group, part) != part:
            raise ValueError(
                f"{where} has group {group} (subject {subject}) in {part_of[group]} and in {part}; "
                "a group must stand in one part."
            )
