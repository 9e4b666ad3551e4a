"""What only shows when all subjects are looked at together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datamodules.findings import Finding, error, note, warning
from datamodules.labels.protocol import Protocol
from datamodules.sources.subjects import PARTS, Subject, named, number_of
from datamodules.volumes.grid import Grid

SPACING_TOLERANCE = 0.05
"""Relative; scanners' voxel sizes differ by less between sessions."""
SAME, SAME_BYTES = "same bytes", "Its {} holds the very bytes of {}'s."


@dataclass(frozen=True)
class Summary:
    """What the checks over all subjects need of one.

    Attributes:
        subject: Who.
        hashes: Role to the hash of the file.
        stored: The grid that its volumes are brought onto; None where they couldn't be.
        voxels: Number of voxels of each class; empty where there is no label map.
    """

    subject: Subject
    hashes: Mapping[str, str]
    stored: Grid | None
    voxels: tuple[int, ...]


def check_together(summaries: Sequence[Summary], protocol: Protocol) -> list[Finding]:
    """Find repeated files, differing voxel sizes, structures that nobody has, and too few groups."""
    return [*_repeated(summaries), *_spacings(summaries), *_absent(summaries, protocol), *_few_groups(summaries)]


def _repeated(summaries: Sequence[Summary]) -> list[Finding]:
    """One person listed twice leaks from training to test; label maps may be equal, above all empty ones."""
    first: dict[tuple[str, str], Subject] = {}
    found = []
    for summary in summaries:
        subject = summary.subject
        for role in subject.images:
            if (value := summary.hashes.get(role)) is None:
                continue
            other = first.setdefault((role, value), subject)
            if other is subject:
                continue
            if other.group == subject.group:
                found.append(note(subject.id, subject.files[role], SAME, SAME_BYTES.format(role, other.id)))
                continue
            remedy = "Remove one of the two, or give both the same group."
            for one, its in ((subject, other), (other, subject)):
                found.append(error(one.id, one.files[role], SAME, SAME_BYTES.format(role, its.id), remedy))
    return found


def _spacings(summaries: Sequence[Summary]) -> list[Finding]:
    """Networks see voxels, not millimetres: a cohort has one voxel size, which is part of what its networks presume."""
    spacings = np.array([summary.stored.spacing for summary in summaries if summary.stored])
    if not len(spacings) or (np.ptp(spacings, axis=0) <= SPACING_TOLERANCE * spacings.min(axis=0)).all():
        return []
    low, high = (" x ".join(f"{side:.3g}" for side in ends) for ends in (spacings.min(0), spacings.max(0)))
    text = f"Voxel sizes differ between subjects, from {low} to {high} mm; networks see voxels, not millimetres."
    return [error("", "", "voxel sizes", text, f"Store all on one grid: --spacing {np.median(spacings):.2g}.")]


def _absent(summaries: Sequence[Summary], protocol: Protocol) -> list[Finding]:
    counts = [summary.voxels for summary in summaries if summary.voxels]
    if not counts:
        return []
    total = np.sum(counts, axis=0)
    absent = [name for name, count in zip(protocol.names, total, strict=True) if not count]
    if not absent:
        return []
    text = f"No subject has {named(absent)}: these structures can be neither learned nor scored."
    return [warning("", "", "structures absent", text, "Choose a protocol without them (--protocol).")]


def _few_groups(summaries: Sequence[Summary]) -> list[Finding]:
    count = len({summary.subject.group for summary in summaries})
    if count >= len(PARTS):
        return []
    text = f"{number_of(count, 'group')} can't make folds of training, validation and test."
    remedy = "Add subjects. A cohort to test on only: petmr split COHORT --folds 1 --kind test-only."
    return [warning("", "", "few groups", text, remedy)]
