"""Identities that hold between the scores of one structure, whatever the network: a table that breaks one is wrong.

Per subject and structure Dice is the harmonic mean of precision and sensitivity, and Jaccard follows from Dice. Means
over one set of cells inherit mean Dice <= (mean P + mean S) / 2. Tables whose columns were averaged over different
cells, edited by hand or joined wrongly break these; no table of this suite is made from such cases.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.absence import settle_overlaps, status_of
from benchmark.scoring.columns import COUNTS, FOUND, OVERLAPS, VOLUMES
from benchmark.scoring.counts import Counts
from benchmark.scoring.overlap import overlap_metrics

TOLERANCE = 1e-6


class AuditError(ValueError):
    """A score contradicts another one, so no table may be made from them."""


def audit_histogram(histogram: NDArray[np.int64], voxels: int) -> None:
    """Require that the joint histogram `[K, K]` holds every voxel of the volume once.

    Raises:
        AuditError: If its counts do not add up to the volume.
    """
    if histogram.sum() != voxels:
        raise AuditError(f"The counts of all structures add up to {histogram.sum()} voxels, the volume has {voxels}.")


def audit_cases(cases: pd.DataFrame) -> None:
    """Require that the scores of every case follow from its counts and agree with each other.

    Args:
        cases: One row per case and structure, as made by `score_case`, with any further columns.

    Raises:
        AuditError: If an identity is violated; the message names the identity and the first row that breaks it.
    """
    for identity, violated in _identities(cases):
        if violated.any():
            raise AuditError(
                f"{identity} does not hold in {np.count_nonzero(violated)} of {len(cases)} rows, first for "
                f"{_describe(cases.iloc[int(np.argmax(violated))])}; score these cases again."
            )


def audit_averages(averages: pd.DataFrame) -> None:
    """Require that every mean Dice is possible beside the mean precision and sensitivity of the same cells.

    Args:
        averages: Columns "metric" and "mean"; the groups come in the same order for every metric.

    Raises:
        AuditError: If a mean Dice exceeds (P + S) / 2; the message gives the first.
    """
    means = averages.groupby("metric")["mean"].agg(list)
    of_same_cells = (means.get(name, []) for name in ("dice", "precision", "sensitivity"))
    for dice, precision, sensitivity in zip(*of_same_cells, strict=True):
        bound = (precision + sensitivity) / 2
        if dice > bound + TOLERANCE:
            raise AuditError(
                f"Mean Dice {dice:.4f} exceeds (P + S) / 2 = {bound:.4f} of precision {precision:.4f} and sensitivity "
                f"{sensitivity:.4f}; they cannot be averages over the same cells."
            )


def _identities(cases: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Every identity in words, and the rows that break it."""
    yield "One row per case and structure", cases.duplicated(_about(cases)).to_numpy()
    counts = Counts(*(cases[name].to_numpy(np.int64) for name in COUNTS))
    status = status_of(counts)
    yield "The status of its counts", cases["status"].to_numpy() != status
    found = {name: cases[name].to_numpy(np.float64) for name in (*OVERLAPS, *VOLUMES)}
    for name, expected in settle_overlaps(overlap_metrics(counts), status).items():
        yield f"The {name.replace('_', ' ')} of its counts", _differ(found[name], expected)
    dice, jaccard, precision, sensitivity = (found[n] for n in ("dice", "jaccard", "precision", "sensitivity"))
    yield "Dice = 2 P S / (P + S)", _differ(dice * (precision + sensitivity), 2 * precision * sensitivity)
    yield "Jaccard = Dice / (2 - Dice)", _differ(jaccard * (2 - dice), dice)
    truth_ml, prediction_ml = (found[name] for name in VOLUMES)
    yield "Volumes in proportion to counts", _differ(truth_ml * counts.prediction, prediction_ml * counts.truth)


def _differ(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where two arrays differ by more than rounding, or only one of them is undefined."""
    return ~np.isclose(one, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def _about(cases: pd.DataFrame) -> list[str]:
    """Columns that say which case and structure a row is about."""
    return [name for name in cases.columns if name not in FOUND]


def _describe(row: "pd.Series[str]") -> str:
    return ", ".join(f"{name} {row[name]}" for name in row.index if name not in FOUND)
