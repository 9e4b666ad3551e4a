"""What a segmentation means for the reader of the PET: volume and tracer uptake of every structure.

Both are measured with the truth and with the prediction on the original PET, not on the rescaled input of the networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.suv import Scale
from datamodules.labels.protocol import Protocol

Values = NDArray[np.float64]

TOLERANCE = 0.05
"""Relative error of the mean uptake up to which a structure counts as clinically tolerable (Tang et al. 2025)."""

SUVR = "SUVR"
REFERENCES = ("cerebellar cortex", "whole brain")

CEREBELLAR_CORTEX = ("Left-Cerebellum-Cortex", "Right-Cerebellum-Cortex")
_NOT_BRAIN = ("background", "cerebrospinal fluid", "vessel")


@dataclass(frozen=True)
class Uptake:
    """Uptake in every class, each `[K]`; NaN for classes without a voxel."""

    mean: Values
    median: Values
    maximum: Values


def quantify_case(
    truth: NDArray[np.integer],
    prediction: NDArray[np.integer],
    pet: NDArray[np.number],
    spacing_mm: Sequence[float],
    protocol: Protocol,
    scale: Scale,
    reference: str | None = None,
) -> pd.DataFrame:
    """Measure volume and uptake of every structure with the truth and with the prediction.

    Args:
        truth: Class indices `[D, H, W]` of the protocol.
        prediction: Class indices `[D, H, W]`.
        pet: The original PET on the same grid `[D, H, W]`.
        spacing_mm: Size of a voxel along each axis.
        protocol: The structures; background (class 0) is left out.
        scale: From the file's values to SUV or Bq/ml, see `benchmark.scoring.suv`.
        reference: One of `REFERENCES` for uptake relative to that region's mean (SUVR), which truth and prediction each
            take from their own region, as they would in practice; NaN where the region is missing.

    Returns:
        One row per structure: structure, label, unit, and with `truth_` and `prediction_` ml, mean, median, max;
        `relative_error` of the mean, and `within_tolerance` (5 %; missing where the structure is in neither map, false
        where it is in one).

    Raises:
        ValueError: If shapes differ, the PET is not finite, or the protocol has no such reference region.
    """
    sides = {"truth": truth, "prediction": prediction}
    tables = {
        name: quantify(labels, pet, spacing_mm, protocol, scale, reference).set_index(["structure", "label", "unit"])
        for name, labels in sides.items()
    }
    table = pd.concat([one.add_prefix(f"{name}_") for name, one in tables.items()], axis=1).reset_index()
    return table.assign(**_errors(table))


def quantify(
    labels: NDArray[np.integer],
    pet: NDArray[np.number],
    spacing_mm: Sequence[float],
    protocol: Protocol,
    scale: Scale,
    reference: str | None = None,
) -> pd.DataFrame:
    """Measure volume and uptake of every structure of one label map; arguments and errors as of `quantify_case`.

    Returns:
        One row per structure: structure, label, unit, ml, mean, median, max.
    """
    _check_pet(labels, pet)
    voxels = np.bincount(labels.reshape(-1), minlength=protocol.num_classes)
    found = uptake(pet, labels, protocol.num_classes)
    factor = scale.factor if reference is None else 1 / reference_mean(found.mean, voxels, protocol, reference)
    columns: dict[str, object] = {
        "structure": protocol.names,
        "label": protocol.labels,
        "unit": scale.unit if reference is None else f"{SUVR} ({reference})",
        "ml": voxels * float(np.prod(spacing_mm)) / 1000,
        "mean": found.mean * factor,
        "median": found.median * factor,
        "max": found.maximum * factor,
    }
    return pd.DataFrame(columns).iloc[1:].reset_index(drop=True)


def uptake(pet: NDArray[np.number], labels: NDArray[np.integer], classes: int) -> Uptake:
    """Mean, median and maximum of the PET in every class but the background.

    Args:
        pet: Image `[D, H, W]`.
        labels: Class indices `[D, H, W]`.
        classes: Number of classes K.
    """
    inside = np.flatnonzero(labels)
    structure = labels.reshape(-1)[inside]
    order = np.argsort(structure, kind="stable")
    values = pet.reshape(-1)[inside[order]].astype(np.float64)
    parts = np.split(values, np.searchsorted(structure[order], np.arange(1, classes)))
    summaries = np.full((3, classes), np.nan)
    for index, part in enumerate(parts):
        if len(part):
            summaries[:, index] = part.mean(), np.median(part), part.max()
    return Uptake(*summaries)


def reference_mean(means: Values, voxels: NDArray[np.integer], protocol: Protocol, reference: str) -> float:
    """Mean uptake over the voxels of a reference region; NaN where the map lacks it or it has no uptake.

    Args:
        means: Mean uptake of every class, `[K]`.
        voxels: Voxels of every class, `[K]`.
        protocol: The structures.
        reference: "cerebellar cortex", or "whole brain" (all structures but fluid and vessels).

    Raises:
        ValueError: If the reference is unknown, or the protocol does not separate it.
    """
    region = reference_classes(protocol, reference)
    region = region[voxels[region] > 0]
    mean = float(np.average(means[region], weights=voxels[region])) if region.size else np.nan
    return mean if mean > 0 else np.nan


def reference_classes(protocol: Protocol, reference: str) -> NDArray[np.intp]:
    """Class indices of a reference region.

    Raises:
        ValueError: If the reference is unknown, or the protocol does not separate it.
    """
    if reference not in REFERENCES:
        raise ValueError(f"Unknown reference region {reference!r}; choose one of {', '.join(REFERENCES)}.")
    if reference == "whole brain":
        return np.flatnonzero([structure.tissue not in _NOT_BRAIN for structure in protocol.structures])
    region = np.flatnonzero(np.isin(protocol.names, CEREBELLAR_CORTEX))
    if not region.size:
        raise ValueError(
            f"The protocol {protocol.name!r} does not separate the cerebellar cortex; use 'whole brain' as reference."
        )
    return region


def _errors(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Relative error of the mean uptake, and whether it is tolerable."""
    error = (table["prediction_mean"] - table["truth_mean"]) / table["truth_mean"]
    within = (error.abs() <= TOLERANCE).astype("boolean")
    absent = table["truth_mean"].isna() & table["prediction_mean"].isna()
    return {"relative_error": error, "within_tolerance": within.mask(absent)}


def _check_pet(labels: NDArray[np.integer], pet: NDArray[np.number]) -> None:
    if labels.shape != pet.shape:
        raise ValueError(
            f"The label map {labels.shape} and the PET {pet.shape} have different shapes; resample them onto one grid."
        )
    if not np.isfinite(pet).all():
        raise ValueError(f"The PET holds {np.count_nonzero(~np.isfinite(pet))} voxels that are not finite numbers.")
