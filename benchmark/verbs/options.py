"""Options that verbs share; their help is read from here, so nothing heavy is imported."""

from pathlib import Path
from typing import Literal, TypedDict

INFERENCE = ("weights", "overlap", "batch", "foreground", "mirror")
"""Of `PredictOptions`: how a subject is covered, not how its images are read."""


class ReadingOptions(TypedDict, total=False):
    """Which files of a source are meant, and how they are read.

    Args:
        layout: Of the source: manifest, bids, freesurfer, paper or labels; recognised where not given.
        session: BIDS sessions, such as baseline,followup; each becomes a scan of its own.
        tracer: BIDS tracer of the PET, such as 18FFDG.
        run: BIDS run.
        exclude: Subjects to leave out; nothing of them is read.
        frames: Frames of dynamic images to average, such as 3:7 for 3, 4, 5 and 6; the first is 0.
        coverage: Least share of the structures that every image must cover (default 0.9).
        nan: What happens to NaN and infinite voxels (default refuse).
    """

    layout: str | None
    session: str | None
    tracer: str | None
    run: str | None
    exclude: list[str] | None
    frames: str | None
    coverage: float
    nan: Literal["refuse", "zero"]


class SourceOptions(ReadingOptions, total=False):
    """How a source is read and prepared; what `ReadingOptions` says isn't repeated.

    Args:
        pet: Folder of PET images named after the subjects, for FreeSurfer subjects; MR alone where not given.
        segmentation: Part of the name of the label map meant, where there are several.
        protocol: Label protocol: aseg45 (default), synthseg32, coarse9, or a table of your own (.tsv).
        scaling: How intensities become [0, 1]: a range such as 0:137919, or percentiles of each image's voxels above
            zero such as p0.5:p99.5, for all modalities or by name: '{"pet": "0:137919", "mr": "p0.5:p99.5"}'. Left
            out, it is the paper's range for PET in Bq/ml and for MR that FreeSurfer has conformed, percentiles for
            all others.
        spacing: Side of the voxels to store in millimetres, such as 1 (or 1x1x1.2); the label map's own grid where
            not given.
        foreground: The crop keeps the box of all voxels where any scaled image is above this (default 0.1).
        unknown_labels: What happens to label ids outside the protocol (default refuse).
    """

    pet: Path | None
    segmentation: str | None
    protocol: str
    scaling: str | None
    spacing: str | None
    foreground: float
    unknown_labels: Literal["refuse", "background"]


class PredictOptions(ReadingOptions, total=False):
    """How subjects are labelled, as in the network's test where not given; what `ReadingOptions` says isn't repeated.

    Args:
        weights: Of the voxels of a window: constant, or gaussian to trust its middle more than its rim.
        overlap: Share of a window that its neighbour covers too, in [0, 1).
        batch: Windows given to the network at once.
        foreground: Whether windows cover only the box of all voxels above zero.
        mirror: Whether to average with the left-right mirror image.
    """

    weights: Literal["constant", "gaussian"] | None
    overlap: float | None
    batch: int | None
    foreground: bool | None
    mirror: bool | None
