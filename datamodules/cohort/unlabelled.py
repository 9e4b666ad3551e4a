"""A subject without a label map, prepared as the subjects of a cohort were, so that a network can label it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datamodules.checks.examine import examine
from datamodules.checks.voxel_checks import RANGE
from datamodules.cohort.contract import Contract, Modality
from datamodules.cohort.prepare import foreground
from datamodules.findings import Finding, error, refuse_errors, warning
from datamodules.labels.protocol import Protocol
from datamodules.sources.subjects import Subject
from datamodules.volumes.grid import Array, Box, Grid, crop, view_of
from datamodules.volumes.header import Header
from datamodules.volumes.resample import return_labels
from datamodules.volumes.scaling import Scaling
from datamodules.volumes.settings import PrepareSettings
from datamodules.volumes.units import ARBITRARY, CONFORMED, numbers_of

CONVERT = "Bring it to the numbers that the network was trained on: {}."


@dataclass(frozen=True)
class Unlabelled:
    """What a network needs of a subject, and what brings its answer home.

    Attributes:
        images: Modality to `[X, Y, Z]`, float16 in [0, 1], RAS, cut to the foreground.
        box: The foreground within `stored`, in voxels.
        stored: RAS grid of the volumes before they were cut.
        grid: That of the MR's file, or of the first image's where there is no MR.
        header: What that file says of its place besides.
        acquisition: Modality to what its sidecar told.
        findings: What checks found that doesn't keep it from being labelled.
    """

    images: Mapping[str, Array]
    box: Box
    stored: Grid
    grid: Grid
    header: Header
    acquisition: Mapping[str, Mapping[str, Any]]
    findings: tuple[Finding, ...]

    def restore(self, labels: Array) -> Array:
        """Bring labels `[X, Y, Z]` of the box back to `grid`, as axes and voxels lie in the file."""
        return return_labels(labels, self.box, self.stored, self.grid)


def prepare_unlabelled(
    subject: Subject, settings: PrepareSettings, protocol: Protocol, contract: Contract
) -> Unlabelled:
    """Read, check, align, scale and cut the images of a subject.

    Args:
        subject: Whose.
        settings: How the cohort that the network was trained on was prepared, its voxel size among them.
        protocol: What the network tells apart.
        contract: What the voxels of that cohort are, which these are held against.

    Raises:
        FaultyDataError: Listing what is wrong with them.
    """
    examined = examine(subject, settings, protocol)
    numbers = {name: numbers_of(path, examined.acquisition.get(name, {})) for name, path in subject.images.items()}
    findings = [
        *(_as_in_training(finding, contract, subject) for finding in examined.findings),
        *(
            finding
            for name, path in subject.images.items()
            for finding in _check_numbers(subject.id, path, numbers[name], contract.modalities[name])
        ),
    ]
    refuse_errors(findings)
    aligned = examined.aligned
    assert aligned is not None  # else there was an error
    box = foreground(aligned, settings)
    if exceeded := contract.exceeded_by(view_of(box, aligned.stored)):
        findings.append(warning(subject.id, "", "larger than in training", exceeded, "Cut the images to the head."))
    return Unlabelled(
        images=dict(zip(subject.images, crop(aligned.images, box), strict=True)),
        box=box,
        stored=aligned.stored,
        grid=aligned.grid,
        header=aligned.header,
        acquisition=examined.acquisition,
        findings=tuple(findings),
    )


def _as_in_training(finding: Finding, contract: Contract, subject: Subject) -> Finding:
    """A range that an image doesn't fit is the network's here: another can't be chosen."""
    if finding.kind != RANGE:
        return finding
    name = next(name for name, path in subject.images.items() if str(path) == finding.file)
    remedy = CONVERT.format(contract.modalities[name].numbers)
    conform = " FreeSurfer does so: mri_convert --conform." if contract.modalities[name].numbers == CONFORMED else ""
    return replace(finding, remedy=f"{remedy}{conform}")


def _check_numbers(subject: str, path: Path, numbers: str, trained: Modality) -> list[Finding]:
    """Find numbers in another unit than a fixed range presumes; percentiles make all units alike."""
    if Scaling.parse(trained.scaling).percentile or numbers == trained.numbers or trained.numbers == ARBITRARY:
        return []
    if numbers not in (ARBITRARY, CONFORMED):
        text = f"Its numbers are {numbers}; the network was trained on {trained.numbers}."
        return [error(subject, path, "other unit", text, CONVERT.format(trained.numbers))]
    if trained.numbers == CONFORMED:
        return []  # its range is checked
    text = f"Nothing tells the unit of its numbers; the network was trained on {trained.numbers}."
    return [warning(subject, path, "no unit", text, "Add a sidecar (.json) with Units.")]
