"""What voxels, headers and sidecars of one file show: each check takes values and returns findings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from datamodules.findings import Finding, error, note, warning
from datamodules.labels.protocol import Protocol
from datamodules.labels.unusual_labels import explain, suggest
from datamodules.sources.subjects import named
from datamodules.volumes.frames import starts_disagree
from datamodules.volumes.grid import Array, Grid
from datamodules.volumes.scaling import Scaling

NEGATIVE_SHARE = 0.001
"""Reconstructions leave a few negative voxels; more are worth a warning."""
CLIPPED_SHARE = 0.01
"""Share of the brain's voxels that may lie beyond a fixed range."""
LEAST_REACH = 0.05
"""Share of a fixed range that the brain must reach: less is most likely another unit."""
RANGE = "beyond the range"
"""The kind of finding that says that an image doesn't fit a fixed range."""
SHEET = "Look at it: petmr check SOURCE --sheet sheet.png."
CSF, MOST_CSF_ML = 24, 30.0
"""FreeSurfer's aseg has about one to three millilitres of it."""
STRIDE = 2
"""Intensity statistics look at every second voxel along each axis."""


def check_header(subject: str, path: Path) -> list[Finding]:
    """Find NIfTI headers that leave open which way the image lies."""
    image = nib.load(path)
    if not isinstance(image, nib.nifti1.Nifti1Image):
        return []
    sform, qform = image.get_sform(coded=True), image.get_qform(coded=True)
    if not sform[1] and not qform[1]:
        text = "Neither sform nor qform is set: left and right, and where it lies, are a guess."
        return [warning(subject, path, "no place", text, "Convert it again from the scanner's files.")]
    if not (sform[1] and qform[1]):
        return []
    shape = image.shape[:3]
    if Grid.of(shape, sform[0]).coincides(Grid.of(shape, qform[0]), tolerance=0.1):
        return []
    text = "sform and qform place it differently; sform is used."
    return [warning(subject, path, "two places", text, SHEET)]


def check_broken(subject: str, path: Path, broken: int, to_zero: bool) -> list[Finding]:
    """Tell of NaN and infinite voxels."""
    if not broken:
        return []
    if to_zero:
        return [warning(subject, path, "NaN", f"{broken} NaN or infinite voxels become 0.")]
    text = f"{broken} voxels are NaN or infinite; expected finite values."
    return [error(subject, path, "NaN", text, "Mend the image, or set them to 0: --nan zero.")]


def check_intensities(subject: str, path: Path, image: Array, scaling: Scaling) -> list[Finding]:
    """Find images that are empty, constant or negative, or whose percentiles are no range.

    Args:
        subject: Its id.
        path: The image file.
        image: Finite voxels `[X, Y, Z]`.
        scaling: How they become [0, 1].
    """
    low, high = float(image.min()), float(image.max())
    remedy = "Export it again, or leave the subject out (--exclude)."
    if low == high:
        what = "empty: every voxel is 0" if high == 0 else f"constant: every voxel is {high:g}"
        return [error(subject, path, "empty image", f"The image is {what}.", remedy)]
    if high <= 0:
        text = f"No voxel is above zero (lowest {low:g}, highest {high:g})."
        return [error(subject, path, "empty image", text, remedy)]
    found = []
    negative = np.count_nonzero(image < 0) / image.size
    if negative > NEGATIVE_SHARE and low < scaling.low:
        text = f"{negative:.1%} of the voxels are negative (lowest {low:g}); they become 0."
        found.append(warning(subject, path, "negative", text, "Check the scale slope and the reconstruction."))
    try:
        scaling.limits(image[::STRIDE, ::STRIDE, ::STRIDE])
    except ValueError as fault:
        found.append(error(subject, path, "no range", f"Scaling {scaling} fails: {fault}", "Choose another range."))
    return found


def check_range(subject: str, path: Path, modality: str, brain: Array, scaling: Scaling) -> list[Finding]:
    """Find images whose numbers a fixed range doesn't fit: another unit, or an MR that isn't FreeSurfer's 0 to 255.

    Args:
        subject: Its id.
        path: The image file.
        modality: What it is.
        brain: Intensities of the brain's voxels, `[N]`.
        scaling: How they become [0, 1]; percentiles fit anything.
    """
    if scaling.percentile or not brain.size:
        return []
    bottom, top = scaling.low, scaling.high
    remedy = f'Scale by percentiles: --scaling \'{{"{modality}": "p0.5:p99.5"}}\'.'
    clipped = float(np.mean((brain > top) | ((brain < bottom) & (brain > 0))))
    if clipped > CLIPPED_SHARE:
        text = f"{clipped:.1%} of the brain's voxels lie beyond the range {bottom:g} to {top:g} and would be clipped."
        return [error(subject, path, RANGE, text, remedy)]
    bright = float(np.percentile(brain, 99.9))
    if bright < bottom + LEAST_REACH * (top - bottom):
        span = f"{bottom:g} to {top:g}"
        text = f"The brain's brightest voxels ({bright:.4g}) use under {LEAST_REACH:.0%} of the range {span}."
        return [error(subject, path, RANGE, text, remedy)]
    return []


def check_sidecar(subject: str, path: Path, sidecar: Mapping[str, Any]) -> list[Finding]:
    """Find frame times that contradict each other."""
    if not (contradiction := starts_disagree(sidecar)):
        return []
    remedy = "Frames are weighted by FrameDuration; check both against the scanner's record."
    return [warning(subject, path, "frame times", contradiction, remedy)]


def check_unknown_labels(
    subject: str, path: Path, counts: Mapping[int, int], protocol: Protocol, to_background: bool
) -> list[Finding]:
    """Tell of label ids that the protocol neither contains nor folds."""
    if not counts:
        return []
    text = f"{len(counts)} label ids are outside the protocol {protocol.name}: {explain(counts)}."
    if to_background:
        return [warning(subject, path, "unknown labels", f"{text} They become background.")]
    return [error(subject, path, "unknown labels", text, suggest(counts))]


def check_classes(
    subject: str, path: Path, counts: Sequence[int], protocol: Protocol, voxel_mm3: float
) -> list[Finding]:
    """Tell of an all-background label map, of structures that a map lacks, and of CSF that fills the sulci.

    Args:
        subject: Its id.
        path: The label map.
        counts: Number of voxels of each class.
        protocol: Names the classes.
        voxel_mm3: Volume of a voxel in cubic millimetres.
    """
    if not any(counts[1:]):
        text = "The label map is all background."
        return [warning(subject, path, "all background", text, "Check the segmentation.")]
    found = _check_csf(subject, path, counts, protocol, voxel_mm3)
    absent = [name for name, voxels in zip(protocol.names, counts, strict=True) if not voxels]
    if not absent:
        return found
    text = f"{len(absent)} of {protocol.num_classes} structures are absent: {named(absent)}."
    if len(absent) > protocol.num_classes // 2:
        remedy = "Is the protocol the one the map was made with?"
        return [*found, warning(subject, path, "most structures absent", text, remedy)]
    return [*found, note(subject, path, "structures absent", text)]


def _check_csf(subject: str, path: Path, counts: Sequence[int], protocol: Protocol, voxel_mm3: float) -> list[Finding]:
    """SynthSeg's training maps give all cerebrospinal fluid the id that FreeSurfer gives a few millilitres of it."""
    if CSF not in protocol.labels:
        return []
    millilitres = counts[protocol.labels.index(CSF)] * voxel_mm3 / 1000
    if millilitres <= MOST_CSF_ML:
        return []
    text = f"{CSF} (CSF) takes {millilitres:.0f} ml: it includes the sulci, which FreeSurfer leaves background."
    return [warning(subject, path, "CSF in the sulci", text, "Don't mix such maps with FreeSurfer's.")]
