"""Check a prepared cohort: that its volumes are what was written, and its sources what they were prepared from."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from datamodules.checks.snapshot import Snapshot, mid_planes
from datamodules.checks.source import Report
from datamodules.cohort.store import Cohort, CohortSubject, volume_file
from datamodules.files import sha256
from datamodules.findings import Finding, by_severity, error, note
from datamodules.hashes import HashMemory
from datamodules.parallel import each
from datamodules.sources.subjects import named


def check_cohort(
    cohort: Cohort, *, processes: int = 1, progress: Callable[[str], None] = lambda subject: None
) -> Report:
    """Compare every stored volume and every source file of a prepared cohort with the hashes it was made with."""
    findings, snapshots = list(cohort.findings), []
    subjects = list(cohort.subjects.values())
    for subject, found in zip(subjects, each(partial(verify_subject, cohort.path), subjects, processes), strict=True):
        findings += [*subject.findings, *found]
        planes = mid_planes(cohort.images(subject.id), cohort.label(subject.id), subject.stored.spacing)
        snapshots.append(Snapshot(subject.id, cohort.modalities, planes))
        progress(subject.id)
    return Report(tuple(by_severity(findings)), tuple(snapshots))


def verify_volumes(cohort: Cohort, progress: Callable[[str], None] = lambda subject: None) -> None:
    """Refuse a store whose volumes aren't what was written; on one machine each is read once and then remembered.

    Raises:
        ValueError: Naming subjects and files.
        OSError: If one can't be read.
    """
    memory = HashMemory(cohort.path)
    corrupt = []
    for subject in cohort.subjects.values():
        for kind, stored in subject.volumes.items():
            name = volume_file(subject.id, kind)
            if memory.sha256(name) != stored.sha256:
                corrupt.append(f"{subject.id} ({name})")
        progress(subject.id)
    memory.save()
    if corrupt:
        raise ValueError(
            f"{cohort.path}: {len(corrupt)} volumes aren't what was written: {named(corrupt)}. They are corrupt: "
            "prepare the cohort again."
        )


def verify_subject(cohort: Path, subject: CohortSubject) -> list[Finding]:
    """Find stored volumes that are corrupt and source files that changed, of one subject."""
    found = []
    for kind, stored in subject.volumes.items():
        path = cohort / volume_file(subject.id, kind)
        if sha256(path) != stored.sha256:
            found.append(error(subject.id, path, "Isn't what was written: it is corrupt.", "Prepare the cohort again."))
    for role, source in subject.sources.items():
        path = Path(source.path)
        if not path.is_file():
            text = f"The {role} it was prepared from isn't there any more."
            found.append(note(subject.id, path, text))
        elif sha256(path) != source.sha256:
            text = f"The {role} has changed since the cohort was prepared: the cohort is stale."
            found.append(error(subject.id, path, text, "Prepare the cohort again."))
    return found
