"""Overlap metrics of all structures, from voxel counts alone.

Every function takes arrays of true positives, false positives and false negatives of one shape and returns metrics of
that shape, from 0 to 1. Where a metric is 0/0 it is NaN; what an absent structure scores is decided by
`benchmark.scoring.absence`, not here.
"""

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.counts import Counts

Voxels = NDArray[np.int64]
Metric = NDArray[np.float64]


def overlap_metrics(counts: Counts) -> dict[str, Metric]:
    """All overlap metrics of every class, each `[K]`, by name."""
    tp, fp, fn = counts.tp, counts.fp, counts.fn
    return {
        "dice": dice(tp, fp, fn),
        "jaccard": jaccard(tp, fp, fn),
        "sensitivity": sensitivity(tp, fn),
        "precision": precision(tp, fp),
        "volume_similarity": volume_similarity(tp, fp, fn),
    }


def dice(tp: Voxels, fp: Voxels, fn: Voxels) -> Metric:
    """Dice = 2 TP / (2 TP + FP + FN)."""
    return _ratio(2 * tp, 2 * tp + fp + fn)


def jaccard(tp: Voxels, fp: Voxels, fn: Voxels) -> Metric:
    """Jaccard = TP / (TP + FP + FN)."""
    return _ratio(tp, tp + fp + fn)


def sensitivity(tp: Voxels, fn: Voxels) -> Metric:
    """Sensitivity = TP / (TP + FN); NaN for a structure that is not in the truth."""
    return _ratio(tp, tp + fn)


def precision(tp: Voxels, fp: Voxels) -> Metric:
    """Precision = TP / (TP + FP); NaN for a structure that is not in the prediction."""
    return _ratio(tp, tp + fp)


def volume_similarity(tp: Voxels, fp: Voxels, fn: Voxels) -> Metric:
    """Volume similarity = 1 - |FP - FN| / (2 TP + FP + FN) (Taha & Hanbury 2015): 1 where the volumes are equal."""
    return 1 - _ratio(np.abs(np.subtract(fp, fn)), 2 * tp + fp + fn)


def _ratio(numerator: Voxels, denominator: Voxels) -> Metric:
    """Quotient in double precision, NaN instead of 0/0 and without a warning."""
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
