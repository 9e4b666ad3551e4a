"""Writing label maps as NIfTI."""

from pathlib import Path

import nibabel as nib
import numpy as np

from datamodules.volumes.grid import Array, Grid


def write_labels(path: Path, labels: Array, grid: Grid) -> None:
    """Write FreeSurfer ids `[X, Y, Z]` as a NIfTI label map (int16, intent `label`)."""
    image = nib.Nifti1Image(labels.astype(np.int16), grid.matrix)
    image.header.set_xyzt_units("mm")
    image.header.set_intent("label")
    nib.save(image, path)
