"""Check a source as `petmr prepare` would read it, and a prepared cohort against its sources; nothing is changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datamodules.cohort import Cohort, CohortSubject, volume_file
from datamodules.examine import examine
from datamodules.files import sha256
from datamodules.findings import Finding, by_severity, error, note
from datamodules.parallel import each
from datamodules.prepare_settings import PrepareSettings
from datamodules.snapshot import Snapshot, mid_planes
from datamodules.structures import Protocol, load_protocol
from datamodules.subjects import Listing, Subject
from datamodules.together import Summary, check_together


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        findings: Errors first.
        snapshots: Every subject in order.
    """

    findings: tuple[Finding, ...]
    snapshots: tuple[Snapshot, ...] = ()


@dataclass(frozen=True)
class _Checked:
    findings: tuple[Finding, ...]
    summary: Summary
    snapshot: Snapshot


def check_source(
    listing: Listing,
    settings: PrepareSettings,
    *,
    processes: int = 1,
    progress: Callable[[str], None] = lambda subject: None,
) -> Report:
    """Read every file of every subject whole and tell everything that is worth telling.

    Args:
        listing: What `list_source` found.
        settings: How the source would be prepared.
        processes: Subjects read at a time.
        progress: Called with the id of each subject that was read.
    """
    protocol = load_protocol(settings.protocol)
    findings, summaries, snapshots = list(listing.findings), [], []
    told = {(finding.subject, finding.file) for finding in findings}
    work = partial(check_subject, settings=settings, protocol=protocol)
    for checked in each(work, listing.subjects, processes):
        findings += [finding for finding in checked.findings if (finding.subject, finding.file) not in told]
        summaries.append(checked.summary)
        snapshots.append(checked.snapshot)
        progress(checked.summary.subject.id)
    findings += check_together(summaries, protocol)
    if listing.subjects and not listing.subjects[0].images:
        findings.append(
            note("", "", "Label maps without images.", "Give them images: petmr simulate OUT --labels DIR.")
        )
    return Report(tuple(by_severity(findings)), tuple(snapshots))


def check_subject(subject: Subject, settings: PrepareSettings, protocol: Protocol) -> _Checked:
    """Read one subject whole."""
    examined = examine(subject, settings, protocol)
    aligned = examined.aligned
    summary = Summary(
        subject,
        {role: sha256(path) for role, path in subject.files.items() if path.is_file() and path.stat().st_size},
        aligned.stored if aligned else None,
        aligned.counts if aligned else (),
    )
    planes = mid_planes(aligned.images, aligned.label, aligned.stored.spacing) if aligned else ()
    return _Checked(examined.findings, summary, Snapshot(subject.id, tuple(subject.images), planes))


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
