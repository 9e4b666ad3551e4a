"""A subject without a label map, prepared as the subjects of a cohort were, so that a network can label it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datamodules.checks.examine import examine
from datamodules.cohort.prepare import foreground
from datamodules.findings import Finding, refuse_errors
from datamodules.labels.protocol import Protocol
from datamodules.sources.subjects import Subject
from datamodules.volumes.grid import Array, Box, Grid, crop
from datamodules.volumes.resample import return_labels
from datamodules.volumes.settings import PrepareSettings


@dataclass(frozen=True)
class Unlabelled:
    """What a network needs of a subject, and what brings its answer home.

    Attributes:
        images: Modality to `[X, Y, Z]`, float16 in [0, 1], RAS, cut to the foreground.
        box: The foreground within `stored`, in voxels.
        stored: RAS grid of the volumes before they were cut.
        grid: That of the MR's file, or of the first image's where there is no MR.
        acquisition: Modality to what its sidecar told.
        findings: What checks found that doesn't keep it from being labelled.
    """

    images: Mapping[str, Array]
    box: Box
    stored: Grid
    grid: Grid
    acquisition: Mapping[str, Mapping[str, Any]]
    findings: tuple[Finding, ...]

    def restore(self, labels: Array) -> Array:
        """Bring labels `[X, Y, Z]` of the box back to `grid`, as axes and voxels lie in the file."""
        return return_labels(labels, self.box, self.stored, self.grid)


def prepare_unlabelled(subject: Subject, settings: PrepareSettings, protocol: Protocol) -> Unlabelled:
    """Read, check, align, scale and cut the images of a subject.

    Raises:
        FaultyDataError: Listing what is wrong with them.
    """
    examined = examine(subject, settings, protocol)
    refuse_errors(examined.findings)
    aligned = examined.aligned
    assert aligned is not None  # else there was an error
    box = foreground(aligned, settings)
    return Unlabelled(
        images=dict(zip(subject.images, crop(aligned.images, box), strict=True)),
        box=box,
        stored=aligned.stored,
        grid=aligned.grid,
        acquisition=examined.acquisition,
        findings=examined.findings,
    )
