"""Check a source as `petmr prepare` would read it, and a prepared cohort against its sources; nothing is changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from datamodules.checks.examine import examine
from datamodules.checks.snapshot import Snapshot, mid_planes
from datamodules.checks.together import Summary, check_together
from datamodules.files import sha256
from datamodules.findings import Finding, by_severity, note
from datamodules.labels.protocol import Protocol, load_protocol
from datamodules.parallel import each
from datamodules.sources.subjects import Listing, Subject
from datamodules.volumes.settings import PrepareSettings


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
