"""From a pair of label maps to rows of `cases.csv`, and from those rows to averages."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.absence import (
    ABSENT,
    MISSED,
    SPURIOUS,
    Absent,
    diagonal_mm,
    settle_distances,
    settle_overlaps,
    status_of,
    with_found_distances,
)
from benchmark.scoring.audit import audit_averages, audit_cases, audit_histogram
from benchmark.scoring.columns import COUNTS, DISTANCES, METRICS, OVERLAPS, SCORES, STRUCTURE, SURFACE_DICE
from benchmark.scoring.counts import Counts, joint_histogram, left_right_confusion, structure_counts
from benchmark.scoring.distances import surface_metrics
from benchmark.scoring.overlap import overlap_metrics
from datamodules.labels.protocol import Protocol


def score_case(
    truth: NDArray[np.integer],
    prediction: NDArray[np.integer],
    spacing_mm: Sequence[float],
    protocol: Protocol,
    *,
    absent: Absent = "penalise",
) -> pd.DataFrame:
    """Score every structure of one prediction.

    Args:
        truth: Class indices `[D, H, W]` of the protocol.
        prediction: Class indices `[D, H, W]`.
        spacing_mm: Size of a voxel along each axis.
        protocol: The structures; background (class 0) is not scored.
        absent: What a missed or spurious structure pays as distance, see `benchmark.scoring.absence`.

    Returns:
        One row per structure: structure, label, counts, metrics, volumes in ml, left-right confusion and status.

    Raises:
        ValueError: If the maps cannot be compared.
        AuditError: If the scores contradict each other.
    """
    histogram = joint_histogram(truth, prediction, protocol.num_classes)
    audit_histogram(histogram, truth.size)
    counts = structure_counts(histogram)
    status = status_of(counts)
    surfaces = surface_metrics(truth, prediction, protocol.num_classes, spacing_mm)
    distances = {name: surfaces[name] for name in DISTANCES}
    agreement = {name: surfaces[name] for name in SURFACE_DICE}
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    columns = {
        "structure": protocol.names,
        "label": protocol.labels,
        **{name: getattr(counts, name) for name in COUNTS},
        **settle_overlaps(overlap_metrics(counts), status),
        **settle_distances(distances, status, diagonal_mm(truth.shape, spacing_mm), absent),
        **settle_overlaps(agreement, status),
        "truth_ml": counts.truth * voxel_ml,
        "prediction_ml": counts.prediction * voxel_ml,
        "left_right_confusion": left_right_confusion(histogram, protocol.partners),
        "status": status,
    }
    cases = pd.DataFrame(columns, columns=[*STRUCTURE, *SCORES]).iloc[1:].reset_index(drop=True)
    audit_cases(cases)
    return cases


def summarise(cases: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Average over the structures of each subject, then over subjects.

    Args:
        cases: Rows of `score_case` with a column "subject" and any others, such as "network".
        by: Columns to average apart; `["network", "structure"]` gives each structure's average over subjects.

    Returns:
        One row per group and metric: `by`, metric, mean, std (of a sample, over subjects), n (subjects), cells (subject
        and structure pairs in the mean), missed and spurious (cells of that status). Absent structures count nowhere.

    Raises:
        AuditError: If the cases contradict themselves.
    """
    audit_cases(cases)
    cells = _counted(with_found_distances(cases))
    subjects = cells.groupby([*by, "subject"], sort=False, dropna=False)[list(METRICS)].mean().reset_index()
    return _averages(subjects, cells, by, METRICS)


def pooled(cases: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Sum the counts of each structure over subjects first, then average its overlap metrics over structures.

    Args:
        cases: Rows of `score_case`, with any other columns.
        by: Columns to average apart, such as `["network"]`.

    Returns:
        As `summarise`, of the overlap metrics only; here n counts structures and std is over structures.

    Raises:
        AuditError: If the cases contradict themselves.
    """
    audit_cases(cases)
    structure = list(dict.fromkeys([*by, *STRUCTURE]))
    sums = cases.groupby(structure, sort=False, dropna=False)[list(COUNTS)].sum().reset_index()
    counts = Counts(*(sums[name].to_numpy() for name in COUNTS))
    status = status_of(counts)
    sums = sums.assign(status=status, **settle_overlaps(overlap_metrics(counts), status))
    return _averages(_counted(sums), _counted(cases), by, OVERLAPS)


def _counted(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases that count, beside each whether it is missed or spurious."""
    counted = cases[cases["status"] != ABSENT.status]
    return counted.assign(missed=counted["status"] == MISSED.status, spurious=counted["status"] == SPURIOUS.status)


def _averages(values: pd.DataFrame, cells: pd.DataFrame, by: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Mean and standard deviation of the values of each group and metric, beside what the cells behind them were."""
    table = pd.concat([_average(values, cells, by, metric) for metric in metrics], ignore_index=True)
    audit_averages(table)
    return table


def _average(values: pd.DataFrame, cells: pd.DataFrame, by: Sequence[str], metric: str) -> pd.DataFrame:
    keys = [*by, "metric"]
    own, behind = (table.assign(metric=metric).groupby(keys, sort=False, dropna=False) for table in (values, cells))
    averages = own[metric].agg(["mean", "std", "count"]).rename(columns={"count": "n"})
    counts = behind.agg(cells=(metric, "count"), missed=("missed", "sum"), spurious=("spurious", "sum"))
    return averages.join(counts).reset_index()
