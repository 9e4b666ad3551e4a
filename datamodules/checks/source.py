"""Check a source as `petmr prepare` would read it; nothing is changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from datamodules.checks.examine import examine
from datamodules.checks.intensities import Announce, settle
from datamodules.checks.privacy import check_privacy
from datamodules.checks.snapshot import Snapshot, mid_planes
from datamodules.checks.together import Summary, check_together
from datamodules.files import sha256
from datamodules.findings import Finding, by_severity, errors, note
from datamodules.labels.protocol import Protocol, load_protocol
from datamodules.parallel import each
from datamodules.sources.subjects import Listing, Subject
from datamodules.volumes.settings import PrepareSettings

Look = Callable[[Snapshot], None]
"""What is done with the slices of a subject, such as drawing them."""


@dataclass(frozen=True)
class _Checked:
    findings: tuple[Finding, ...]
    summary: Summary
    snapshot: Snapshot | None


def check_source(
    listing: Listing,
    settings: PrepareSettings,
    *,
    processes: int = 1,
    progress: Callable[[str], None] = lambda subject: None,
    look: Look | None = None,
    announce: Announce = lambda modalities: None,
) -> tuple[Finding, ...]:
    """Read every file of every subject whole and tell everything that is worth telling, errors first.

    Args:
        listing: What `list_source` found.
        settings: How the source would be prepared.
        processes: Subjects read at a time.
        progress: Called with the id of each subject that was read.
        look: Called with the slices of each subject in order; none are cut where it isn't given.
        announce: Called with what each modality's intensities are and would become, before anything is read whole.

    Raises:
        ValueError: If a setting makes no sense for this source.
    """
    protocol = load_protocol(settings.protocol)
    settled, intensities, further = settle(listing.subjects, settings)
    announce(intensities)
    findings, summaries = [*listing.findings, *further], []
    told = {(finding.subject, finding.file) for finding in listing.findings}
    work = partial(check_subject, settings=settled, protocol=protocol, planes=look is not None)
    for checked in each(work, listing.subjects, processes):
        findings += [finding for finding in checked.findings if (finding.subject, finding.file) not in told]
        summaries.append(checked.summary)
        if look and checked.snapshot:
            look(checked.snapshot)
        progress(checked.summary.subject.id)
    findings += check_together(summaries, protocol)
    if listing.subjects and not listing.modalities:
        remedy = "Give them images: petmr simulate OUT --labels DIR."
        findings.append(note("", "", "no images", "Label maps without images.", remedy))
    return tuple(by_severity(findings))


def check_subject(subject: Subject, settings: PrepareSettings, protocol: Protocol, planes: bool) -> _Checked:
    """Read one subject whole, and cut its slices where asked for."""
    examined = examine(subject, settings, protocol)
    aligned = examined.aligned
    summary = Summary(
        subject,
        {role: sha256(path) for role, path in subject.files.items() if path.is_file() and path.stat().st_size},
        aligned.stored if aligned else None,
        aligned.counts if aligned else (),
    )
    cut = mid_planes(aligned.images, aligned.label, aligned.stored.spacing) if aligned and planes else ()
    private = () if errors(examined.findings) else check_privacy(subject)
    return _Checked(
        (*examined.findings, *private), summary, Snapshot(subject.id, tuple(subject.images), cut) if planes else None
    )
