"""Predictions as NIfTI files of FreeSurfer ids, each on its subject's own grid."""

from pathlib import Path

from datamodules.cohort.store import Cohort
from datamodules.files import atomic_path
from datamodules.volumes.grid import Array
from datamodules.volumes.write import write_labels

SUFFIX = "_dseg.nii.gz"


def prediction_file(folder: Path, subject: str) -> Path:
    """Where a subject's prediction lies."""
    return folder / f"{subject}{SUFFIX}"


def write_prediction(folder: Path, cohort: Cohort, subject: str, classes: Array) -> Path:
    """Write class indices `[D, H, W]` on the stored grid as FreeSurfer ids on the subject's own grid."""
    labels, grid = cohort.restore(subject, classes)
    path = prediction_file(folder, subject)
    with atomic_path(path) as temporary:
        write_labels(temporary, labels, grid, cohort.subjects[subject].header)
    return path
