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
from datamodules.volumes.sidecar import is_activity

NEGATIVE_SHARE = 0.001
"""Reconstructions leave a few negative voxels; more are worth a warning."""
CLIPPED_SHARE = 0.01
"""Share of the voxels above zero that may lie above a fixed range."""
LEAST_REACH = 0.05
"""Share of a fixed range that an image must reach: less is most likely another unit."""
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
        return [warning(subject, path, text, "Convert it again from the scanner's files.")]
    if not (sform[1] and qform[1]):
        return []
    shape = image.shape[:3]
    if Grid.of(shape, sform[0]).coincides(Grid.of(shape, qform[0]), tolerance=0.1):
        return []
    return [warning(subject, path, "sform and qform place it differently; sform is used.", "Look at the sheet.")]


def check_broken(subject: str, path: Path, broken: int, to_zero: bool) -> list[Finding]:
    """Tell of NaN and infinite voxels."""
    if not broken:
        return []
    if to_zero:
        return [warning(subject, path, f"{broken} NaN or infinite voxels become 0.")]
    text = f"{broken} voxels are NaN or infinite; expected finite values."
    return [error(subject, path, text, "Mend the image, or set them to 0: --nan zero.")]


def check_intensities(subject: str, path: Path, image: Array, scaling: Scaling) -> list[Finding]:
    """Find images that are empty, constant, negative, or out of the range that scaling presumes.

    Args:
        subject: Its id.
        path: The image file.
        image: Finite voxels `[X, Y, Z]`.
        scaling: How they become [0, 1].
    """
    low, high = float(image.min()), float(image.max())
    if low == high:
        what = "empty: every voxel is 0" if high == 0 else f"constant: every voxel is {high:g}"
        return [error(subject, path, f"The image is {what}.", "Export it again, or leave the subject out.")]
    if high <= 0:
        text = f"No voxel is above zero (lowest {low:g}, highest {high:g})."
        return [error(subject, path, text, "Export it again, or leave the subject out.")]
    found = []
    negative = np.count_nonzero(image < 0) / image.size
    if negative > NEGATIVE_SHARE and low < scaling.low:
        text = f"{negative:.1%} of the voxels are negative (lowest {low:g}); they become 0."
        found.append(warning(subject, path, text, "Check the scale slope and the reconstruction."))
    sample = image[::STRIDE, ::STRIDE, ::STRIDE]
    try:
        bottom, top = scaling.limits(sample)
    except ValueError as fault:
        return [*found, error(subject, path, f"Scaling {scaling} fails: {fault}", "Choose another range.")]
    return found if scaling.percentile else [*found, *_check_range(subject, path, sample, bottom, top)]


def _check_range(subject: str, path: Path, sample: Array, bottom: float, top: float) -> list[Finding]:
    remedy = 'Check its unit, or scale by percentiles, such as --scaling \'{"pet": "p0.5:p99.5"}\'.'
    inside = sample[sample > 0]
    clipped = np.count_nonzero(inside > top) / max(inside.size, 1)
    if clipped > CLIPPED_SHARE:
        text = f"{clipped:.1%} of the voxels above zero exceed {top:g} and are clipped (range {bottom:g} to {top:g})."
        return [warning(subject, path, text, remedy)]
    bright = float(np.percentile(inside, 99.9)) if inside.size else bottom
    if bright < bottom + LEAST_REACH * (top - bottom):
        text = f"Its brightest voxels ({bright:.4g}) use under {LEAST_REACH:.0%} of the range {bottom:g} to {top:g}."
        return [warning(subject, path, text, remedy)]
    return []


def check_sidecar(
    subject: str, path: Path, modality: str, sidecar: Mapping[str, Any], scaling: Scaling
) -> list[Finding]:
    """Find units that contradict a fixed range in Bq/ml, and frame times that contradict each other."""
    found = []
    units = sidecar.get("Units")
    if modality == "pet" and isinstance(units, str) and not is_activity(units) and not scaling.percentile:
        text = f"The sidecar's Units are {units}, but the range {scaling} presumes Bq/ml."
        remedy = 'Scale by percentiles: --scaling \'{"pet": "p0.5:p99.5"}\'.'
        found.append(warning(subject, path, text, remedy))
    if contradiction := starts_disagree(sidecar):
        remedy = "Frames are weighted by FrameDuration; check both against the scanner's record."
        found.append(warning(subject, path, contradiction, remedy))
    return found


def check_unknown_labels(
    subject: str, path: Path, counts: Mapping[int, int], protocol: Protocol, to_background: bool
) -> list[Finding]:
    """Tell of label ids that the protocol neither contains nor folds."""
    if not counts:
        return []
    text = f"{len(counts)} label ids are outside the protocol {protocol.name}: {explain(counts)}."
    if to_background:
        return [warning(subject, path, f"{text} They become background.")]
    return [error(subject, path, text, suggest(counts))]


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
        return [warning(subject, path, "The label map is all background.", "Check the segmentation.")]
    found = _check_csf(subject, path, counts, protocol, voxel_mm3)
    absent = [name for name, voxels in zip(protocol.names, counts, strict=True) if not voxels]
    if not absent:
        return found
    text = f"{len(absent)} of {protocol.num_classes} structures are absent: {named(absent)}."
    if len(absent) > protocol.num_classes // 2:
        return [*found, warning(subject, path, text, "Is the protocol the one the map was made with?")]
    return [*found, note(subject, path, text)]


def _check_csf(subject: str, path: Path, counts: Sequence[int], protocol: Protocol, voxel_mm3: float) -> list[Finding]:
    """SynthSeg's training maps give all cerebrospinal fluid the id that FreeSurfer gives a few millilitres of it."""
    if CSF not in protocol.labels:
        return []
    millilitres = counts[protocol.labels.index(CSF)] * voxel_mm3 / 1000
    if millilitres <= MOST_CSF_ML:
        return []
    text = f"{CSF} (CSF) takes {millilitres:.0f} ml: it includes the sulci, which FreeSurfer leaves background."
    return [warning(subject, path, text, "Don't mix such maps with FreeSurfer's.")]
