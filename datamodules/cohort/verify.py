"""Check a prepared cohort: that its volumes are what was written, and its sources what they were prepared from."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.checks.snapshot import Snapshot, mid_planes
from datamodules.checks.source import Look
from datamodules.cohort.store import Cohort, CohortSubject, volume_file
from datamodules.files import sha256
from datamodules.findings import Finding, by_severity, error, errors, note
from datamodules.hashes import HashMemory
from datamodules.parallel import each
from datamodules.sources.subjects import named
from datamodules.volumes.sidecar import acquisition, read_sidecar

LABEL = "label"
"""The kind of a volume of class indices."""
AGAIN = "Prepare the cohort again."


def check_cohort(
    cohort: Cohort,
    *,
    processes: int = 1,
    progress: Callable[[str], None] = lambda subject: None,
    look: Look | None = None,
) -> tuple[Finding, ...]:
    """Compare every stored volume and every source file of a prepared cohort with the hashes it was made with.

    Args:
        cohort: Which.
        processes: Subjects compared at a time.
        progress: Called with the id of each subject that was compared.
        look: Called with the slices of each subject whose volumes are sound; none are cut where it isn't given.
    """
    findings = list(cohort.all_findings)
    subjects = list(cohort.subjects.values())
    for subject, found in zip(subjects, each(partial(verify_subject, cohort.path), subjects, processes), strict=True):
        findings += found
        if look:
            look(_snapshot(cohort, subject, sound=not errors(found)))
        progress(subject.id)
    return tuple(by_severity(findings))


def _snapshot(cohort: Cohort, subject: CohortSubject, sound: bool) -> Snapshot:
    if not sound:
        return Snapshot(subject.id, cohort.modalities, ())
    planes = mid_planes(cohort.images(subject.id), cohort.label(subject.id), subject.stored.spacing)
    return Snapshot(subject.id, cohort.modalities, planes)


def verify_volumes(cohort: Cohort, progress: Callable[[str], None] = lambda subject: None) -> None:
    """Refuse a store whose volumes aren't what was written; on one machine each is read once and then remembered.

    Raises:
        ValueError: Naming subjects and files, or a class that the protocol doesn't have.
        OSError: If one can't be read.
    """
    memory = HashMemory(cohort.path)
    corrupt, classes = [], range(cohort.protocol.num_classes)
    for subject in cohort.subjects.values():
        for kind, stored in subject.volumes.items():
            name = volume_file(subject.id, kind)
            if memory.knows(name, stored.sha256):
                continue
            if not memory.has(name, stored.sha256):
                corrupt.append(f"{subject.id} ({name})")
            elif kind == LABEL and (highest := _highest(cohort.path / name)) not in classes:
                memory.forget(name)
                corrupt.append(f"{subject.id} ({name} holds class {highest} of {len(classes)})")
        progress(subject.id)
    memory.save()
    if corrupt:
        raise ValueError(
            f"{cohort.path}: {len(corrupt)} volumes aren't what was written: {named(corrupt)}. They are corrupt: "
            "prepare the cohort again."
        )


def _highest(label: Path) -> int:
    return int(np.load(label, mmap_mode="r").max(initial=0))


def verify_subject(cohort: Path, subject: CohortSubject) -> list[Finding]:
    """Find stored volumes that are corrupt, and source files and sidecars that changed, of one subject."""
    found = []
    for kind, stored in subject.volumes.items():
        path = cohort / volume_file(subject.id, kind)
        if sha256(path) != stored.sha256:
            found.append(error(subject.id, path, "corrupt", "Isn't what was written: it is corrupt.", AGAIN))
    for role, source in subject.sources.items():
        path = Path(source.path)
        if not path.is_file():
            text = f"The {role} it was prepared from isn't there any more."
            found.append(note(subject.id, path, "source gone", text))
        elif sha256(path) != source.sha256:
            text = f"The {role} has changed since the cohort was prepared: the cohort is stale."
            found.append(error(subject.id, path, "source changed", text, AGAIN))
        elif role in subject.acquisition and _told(path) != subject.acquisition[role]:
            text = f"The sidecar of the {role} has changed since the cohort was prepared: the cohort is stale."
            found.append(error(subject.id, path, "sidecar changed", text, AGAIN))
    return found


def _told(image: Path) -> dict[str, Any]:
    """What the sidecar of an image tells now; nothing where it is damaged, as in preparation."""
    try:
        return acquisition(read_sidecar(image))
    except ValueError:
        return {}
