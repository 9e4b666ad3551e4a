"""The PET as the scanner's software wrote it, on the grid of a label map: what uptake is measured on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.columns import UPTAKE
from benchmark.scoring.quantification import REFERENCES, quantify, quantify_case, reference_classes
from benchmark.scoring.suv import Scale, uptake_scale
from datamodules.cohort.store import Cohort
from datamodules.files import sha256
from datamodules.labels.protocol import Protocol
from datamodules.sources.subjects import WEIGHT
from datamodules.volumes.frames import Frames
from datamodules.volumes.grid import Array, Grid, from_ras, ras_grid
from datamodules.volumes.read import read_volume
from datamodules.volumes.resample import resample

MODALITY = "pet"

Labels = NDArray[np.integer]


@dataclass(frozen=True)
class OriginalPET:
    """A PET on the grid of a label map.

    Attributes:
        voxels: `[D, H, W]`, values of the file.
        spacing_mm: Size of a voxel along each axis.
        scale: From these values to SUV or Bq/ml; unused where `reference` is given.
        reference: Region to whose mean uptake is relative, where the values' unit is unknown.
    """

    voxels: Array
    spacing_mm: tuple[float, float, float]
    scale: Scale
    reference: str | None

    def quantify(self, labels: Labels, protocol: Protocol) -> pd.DataFrame:
        """Volume and uptake of every structure of one map of class indices."""
        return quantify(labels, self.voxels, self.spacing_mm, protocol, self.scale, self.reference)

    def compare(self, truth: Labels, prediction: Labels, protocol: Protocol) -> pd.DataFrame:
        """The columns `UPTAKE` of every structure."""
        sides = truth, prediction
        return quantify_case(*sides, self.voxels, self.spacing_mm, protocol, self.scale, self.reference)[list(UPTAKE)]


def read_original(
    path: Path,
    grid: Grid,
    protocol: Protocol,
    *,
    sidecar: Mapping[str, Any],
    weight_kg: float | None = None,
    frames: Frames | None = None,
    nan_to_zero: bool = False,
) -> OriginalPET:
    """Read a PET and bring it onto a grid, linearly.

    Uptake becomes SUV where sidecar and weight allow, else Bq/ml, else relative to a region (SUVR): the cerebellar
    cortex where the protocol separates it, else the whole brain.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it can't be read.
    """
    volume, own = read_volume(path, frames)
    voxels = from_ras(resample(volume.astype(np.float32), own, ras_grid(grid), order=1), grid)
    if nan_to_zero:
        voxels = np.nan_to_num(voxels, nan=0.0, posinf=0.0, neginf=0.0)
    try:
        scale, reference = uptake_scale(sidecar, weight_kg), None
    except ValueError:  # units unknown
        scale, reference = Scale("", math.nan), _reference(protocol)
    return OriginalPET(voxels, grid.spacing, scale, reference)


def original_of(cohort: Cohort, subject: str) -> OriginalPET:
    """The PET that a subject of a cohort was prepared from.

    Raises:
        FileNotFoundError: If it isn't where it was.
        ValueError: If it isn't what it was, or the cohort has none.
    """
    known = cohort.subjects[subject]
    source = known.sources.get(MODALITY)
    if source is None:
        raise ValueError(f"{subject}: the cohort has no image '{MODALITY}'.")
    path = Path(source.path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: this PET isn't where the cohort was prepared from.")
    if sha256(path) != source.sha256:
        raise ValueError(f"{path}: this PET has changed since the cohort was prepared.")
    return read_original(
        path,
        known.grid,
        cohort.protocol,
        sidecar=known.acquisition.get(MODALITY, {}),
        weight_kg=body_weight_kg(known.covariates),
        frames=Frames.parse(cohort.settings["frames"]) if cohort.settings["frames"] else None,
        nan_to_zero=cohort.settings["nan_to_zero"],
    )


def body_weight_kg(covariates: Mapping[str, str]) -> float | None:
    """The body weight, None where it isn't told."""
    try:
        return float(covariates.get(WEIGHT, ""))
    except ValueError:
        return None


def _reference(protocol: Protocol) -> str:
    for reference in REFERENCES:
        try:
            reference_classes(protocol, reference)
        except ValueError:  # not separated by the protocol
            continue
        return reference
    raise AssertionError("every protocol has a whole brain")
