"""What a structure scores that is absent from the truth, from the prediction, or from both.

Left alone, overlap and distance are undefined there, and dropping the undefined flatters: whoever misses a structure
loses its bad distance from the mean. Hence one table, for every metric and every mean of this suite:

| in truth | in prediction | status   | overlaps | surface Dice | distances            | counted as |
|----------|---------------|----------|----------|--------------|----------------------|------------|
| yes      | yes           | present  | measured | measured     | measured             | a cell     |
| yes      | no            | missed   | 0        | 0            | diagonal or excluded | a cell, and missed |
| no       | yes           | spurious | 0        | 0            | diagonal or excluded | a cell, and spurious |
| no       | no            | absent   | -        | -            | -                    | nothing    |

"Overlaps" are all five: a missed structure has precision 0 rather than 0/0, a spurious one sensitivity 0, so that
Dice (P + S) = 2 P S holds for every cell. The diagonal is that of the whole volume in mm, an upper bound of any
distance in it; a spurious structure pays it as a missed one does, so that neither error improves the mean. But then
one stray voxel of a rare structure weighs more than every surface of a subject: the mean counts rare structures. So
every table has the distances of found structures beside it, with their own n, and `exclude` lets those lead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.columns import OF_FOUND
from benchmark.scoring.counts import Counts

Absent = Literal["penalise", "exclude"]
Metrics = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Case:
    """One row of the case table: where a structure is found, and what follows."""

    status: str
    in_truth: bool
    in_prediction: bool
    counted: bool
    measured: bool


PRESENT = Case("present", in_truth=True, in_prediction=True, counted=True, measured=True)
MISSED = Case("missed", in_truth=True, in_prediction=False, counted=True, measured=False)
SPURIOUS = Case("spurious", in_truth=False, in_prediction=True, counted=True, measured=False)
ABSENT = Case("absent", in_truth=False, in_prediction=False, counted=False, measured=False)
CASES = (PRESENT, MISSED, SPURIOUS, ABSENT)


def status_of(counts: Counts) -> NDArray[np.str_]:
    """Status of every class, `[K]`: "present", "missed", "spurious" or "absent"."""
    present, predicted = counts.truth > 0, counts.prediction > 0
    where = [(present == case.in_truth) & (predicted == case.in_prediction) for case in CASES]
    return np.select(where, [case.status for case in CASES], "")


def settle_overlaps(metrics: Metrics, status: NDArray[np.str_]) -> dict[str, NDArray[np.float64]]:
    """Overlaps and surface Dice by the case table: measured where present, 0 where missed or spurious, else NaN."""
    return _settle(metrics, status, 0.0)


def settle_distances(
    metrics: Metrics, status: NDArray[np.str_], diagonal_mm: float, absent: Absent = "penalise"
) -> dict[str, NDArray[np.float64]]:
    """Distances by the case table: measured where present, the diagonal (or NaN) where missed or spurious, else NaN.

    Args:
        metrics: Distances in mm of every class, each `[K]`, by name.
        status: Status of every class, `[K]`.
        diagonal_mm: Diagonal of the whole volume.
        absent: "penalise" charges it for a missed or spurious structure; "exclude" leaves the cell out of the mean.

    Raises:
        ValueError: If `absent` is neither.
    """
    charges = {"penalise": diagonal_mm, "exclude": np.nan}
    if absent not in charges:
        raise ValueError(f"Unknown distance for an absent structure: {absent!r}; choose one of {', '.join(charges)}.")
    return _settle(metrics, status, charges[absent])


def with_found_distances(cases: pd.DataFrame) -> pd.DataFrame:
    """Cases with the columns `OF_FOUND` besides: distances of structures in both maps, NaN for all others."""
    found = cases["status"] == PRESENT.status
    return cases.assign(**{of_found: cases[name].where(found) for name, of_found in OF_FOUND.items()})


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """Length in mm of the diagonal of a volume, from corner to corner of its outer voxels."""
    return float(np.linalg.norm(np.multiply(shape, spacing_mm)))


def _settle(metrics: Metrics, status: NDArray[np.str_], charge: float) -> dict[str, NDArray[np.float64]]:
    measured = np.isin(status, [case.status for case in CASES if case.measured])
    counted = np.isin(status, [case.status for case in CASES if case.counted])
    unmeasured = np.where(counted, charge, np.nan)
    return {name: np.where(measured, values, unmeasured) for name, values in metrics.items()}
