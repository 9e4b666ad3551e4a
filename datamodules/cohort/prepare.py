"""Prepare a cohort: check, align, scale, crop, and write the store that all processes share.

A subject is prepared by one process that holds one subject at a time. Work goes to a sibling folder that takes the
cohort's name at the end; after an interruption, or once faulty subjects were refused, the same call goes on.
"""

import json
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.checks.examine import Aligned, Examined, examine
from datamodules.checks.intensities import Announce, settle
from datamodules.checks.together import Summary, check_together
from datamodules.cohort.contract import Contract
from datamodules.cohort.store import (
    FORMAT,
    INDEX,
    Cohort,
    CohortSubject,
    SourceFile,
    StoredFile,
    open_cohort,
    volume_file,
)
from datamodules.files import atomic_path, digest, sha256, write_json
from datamodules.findings import Finding, errors, refuse_errors
from datamodules.labels.protocol import Protocol, load_protocol
from datamodules.parallel import each
from datamodules.sources.subjects import Subject, check_listing, faulty
from datamodules.volumes.grid import Array, Box, bounding_box, crop, enclosing
from datamodules.volumes.settings import PrepareSettings
from datamodules.volumes.sidecar import sidecar_file

__all__ = ["PrepareSettings", "foreground", "prepare", "prepare_subject"]

NOISE_SHARE = 0.002
"""A plane with no more than this share of bright voxels holds noise, not head."""
VERSIONS_OF = ("petmr-bench", "nibabel", "numpy", "scipy")


@dataclass(frozen=True)
class Prepared:
    """What became of one subject.

    Attributes:
        findings: All that was found.
        summary: What the checks over all subjects need.
        entry: What the cohort will say of it; None where a finding is an error.
    """

    findings: tuple[Finding, ...]
    summary: Summary
    entry: CohortSubject | None = None

    @classmethod
    def of(cls, subject: Subject, entry: CohortSubject) -> "Prepared":
        """Of a subject that lies ready."""
        hashes = {role: file.sha256 for role, file in entry.sources.items()}
        return cls(entry.findings, Summary(subject, hashes, entry.stored, entry.voxels), entry)


def prepare(
    subjects: Sequence[Subject],
    output: Path,
    settings: PrepareSettings,
    *,
    skip_faulty: bool = False,
    left_out: Mapping[str, str] | None = None,
    origin: Sequence[str] = (),
    processes: int = 1,
    progress: Callable[[str], None] = lambda subject: None,
    announce: Announce = lambda modalities: None,
) -> Cohort:
    """Write the cohort of `subjects` to `output`.

    Args:
        subjects: What `find_subjects` listed.
        output: A folder that doesn't exist yet.
        settings: How.
        skip_faulty: Whether subjects that an error is found about are left out, and recorded, instead of refused.
        left_out: Further subjects of the source, and why they aren't among these.
        origin: The source and how it was read, as words of a command line, for messages.
        processes: Subjects prepared at a time.
        progress: Called with the id of each subject that is ready.
        announce: Called with what each modality's intensities are and become, before anything is read whole.

    Raises:
        FileExistsError: If `output` exists.
        FaultyDataError: Listing, for every subject at fault, what is wrong with it; sound ones stay ready for the next
            call.
        ValueError: If nobody is left, or a setting makes no sense for these subjects.
    """
    _check_call(subjects, output)
    protocol = load_protocol(settings.protocol)
    settled, intensities, findings = settle(subjects, settings)
    announce(intensities)
    partial_output = output.with_name(f"{output.name}.partial")
    work = partial(prepare_subject, output=partial_output, settings=settled, protocol=protocol)
    prepared: list[Prepared] = []
    for one in each(work, subjects, processes):
        prepared.append(one)
        findings += one.findings
        progress(one.summary.subject.id)
    sound, skipped, together = _sift(prepared, findings, protocol, skip_faulty)
    contract = Contract.of(intensities, [one.stored.spacing for one in sound], [one.view for one in sound])
    index = {
        "format": FORMAT,
        "modalities": tuple(intensities),
        "protocol": asdict(protocol),
        "settings": settled.describe(intensities),
        "contract": contract.to_dict(),
        "versions": {name: version(name) for name in VERSIONS_OF},
        "origin": list(origin),
        "left_out": {**(left_out or {}), **skipped},
        "findings": [asdict(finding) for finding in together],
    }
    _finish(partial_output, output, sound, index)
    return open_cohort(output)


def _check_call(subjects: Sequence[Subject], output: Path) -> None:
    if output.exists():
        raise FileExistsError(
            f"{output}: exists already. Name another folder, or delete it; it is checked by: "
            f"{shlex.join(['petmr', 'check', str(output)])}"
        )
    refuse_errors(check_listing(subjects, output))
    if not subjects[0].images:
        raise ValueError(
            "These are label maps without images. Give them images first: petmr simulate OUT --labels DIR."
        )


def _sift(
    prepared: Sequence[Prepared], findings: Sequence[Finding], protocol: Protocol, skip_faulty: bool
) -> tuple[list[CohortSubject], dict[str, str], list[Finding]]:
    """Who is sound, who is left out and why, and what shows when those who stay are looked at together.

    Raises:
        FaultyDataError: If somebody is faulty and isn't to be left out, or the whole is.
        ValueError: If nobody is sound.
    """
    found = [*findings, *check_together([one.summary for one in prepared], protocol)]
    if not skip_faulty:
        refuse_errors(found)
    skipped = faulty(found)
    sound = [one for one in prepared if one.summary.subject.id not in skipped]
    if not sound:
        raise ValueError(f"Nobody is left: all {len(prepared)} subjects are faulty; petmr check SOURCE lists why.")
    together = check_together([one.summary for one in sound], protocol)
    refuse_errors(together)
    return [one.entry for one in sound if one.entry], skipped, together


def _finish(partial_output: Path, output: Path, entries: Sequence[CohortSubject], index: Mapping[str, Any]) -> None:
    """Write the index, drop what an earlier, different call had left, and give the folder its name."""
    kept = {partial_output / volume_file(entry.id, kind) for entry in entries for kind in entry.volumes}
    for path in set((partial_output / "volumes").iterdir()) - kept:
        path.unlink()
    write_json(partial_output / INDEX, {**index, "subjects": [asdict(entry) for entry in entries]})
    shutil.rmtree(partial_output / "subjects")
    partial_output.rename(output)


def prepare_subject(subject: Subject, output: Path, settings: PrepareSettings, protocol: Protocol) -> Prepared:
    """Prepare one subject, unless it lies ready from an interrupted call."""
    sources = {role: SourceFile(str(path.resolve()), sha256(path)) for role, path in subject.files.items()}
    sidecars = {role: sha256(file) for role, path in subject.images.items() if (file := sidecar_file(path)).is_file()}
    key = digest([FORMAT, sources, sidecars, settings.describe(subject.images), asdict(protocol), asdict(subject)])
    record = output / "subjects" / f"{subject.id}.json"
    if record.is_file() and (found := json.loads(record.read_text(encoding="utf-8")))["key"] == key:
        return Prepared.of(subject, CohortSubject.from_dict(found["entry"]))
    examined = examine(subject, settings, protocol)
    if errors(examined.findings) or examined.aligned is None:
        hashes = {role: file.sha256 for role, file in sources.items()}
        return Prepared(examined.findings, Summary(subject, hashes, None, ()))
    entry = _store(subject, examined, examined.aligned, sources, output, settings)
    write_json(record, {"key": key, "entry": asdict(entry)})
    return Prepared.of(subject, entry)


def _store(
    subject: Subject,
    examined: Examined,
    aligned: Aligned,
    sources: dict[str, SourceFile],
    output: Path,
    settings: PrepareSettings,
) -> CohortSubject:
    box = foreground(aligned, settings)
    volumes = {"images": crop(aligned.images, box), "label": crop(aligned.label, box)}
    if aligned.truth is not aligned.label:
        volumes["truth"] = aligned.truth
    return CohortSubject(
        id=subject.id,
        group=subject.group,
        grid=aligned.grid,
        header=aligned.header,
        stored=aligned.stored,
        box=box,
        sources=sources,
        volumes={kind: _save(output / volume_file(subject.id, kind), volume) for kind, volume in volumes.items()},
        scaling=aligned.scaling,
        voxels=aligned.counts,
        acquisition=examined.acquisition,
        covariates=subject.covariates,
        part=subject.part,
        findings=examined.findings,
    )


def foreground(aligned: Aligned, settings: PrepareSettings) -> Box:
    """The box of the head; it never cuts a structure off, however dark the images are there."""
    bright = np.asarray((aligned.images > settings.foreground).any(axis=0))
    boxes = [
        bounding_box(bright, settings.margin, share=NOISE_SHARE),
        bounding_box(aligned.label > 0, settings.margin),
    ]
    x, y, z = bright.shape
    return enclosing([box for box in boxes if box]) if any(boxes) else ((0, x), (0, y), (0, z))


def _save(path: Path, volume: Array) -> StoredFile:
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            np.save(file, np.ascontiguousarray(volume))
        return StoredFile(temporary.stat().st_size, sha256(temporary))
