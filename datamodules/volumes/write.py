"""Writing label maps and images as NIfTI."""

from pathlib import Path

import nibabel as nib
import numpy as np

from datamodules.volumes.grid import Array, Grid
from datamodules.volumes.header import Header


def write_labels(path: Path, labels: Array, grid: Grid, header: Header = Header()) -> None:  # noqa: B008  frozen
    """Write FreeSurfer ids `[X, Y, Z]` as a NIfTI label map (int16, intent `label`), placed as `header` says."""
    image = nib.Nifti1Image(labels.astype(np.int16), grid.matrix)
    header.apply(image, grid.matrix)
    image.header.set_intent("label")
    nib.save(image, path)


def write_image(path: Path, volume: Array, grid: Grid) -> None:
    """Write a volume of numbers `[X, Y, Z]` as NIfTI (float32)."""
    image = nib.Nifti1Image(volume.astype(np.float32), grid.matrix)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
