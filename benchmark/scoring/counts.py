"""Voxel counts of every structure from one pass over a pair of label maps.

The joint histogram of truth and prediction holds everything that overlap metrics need: its diagonal is the true
positives, its row and column sums are the sizes of the structures, and its other cells say what was mistaken for what.
It is counted once, and all overlap metrics derive from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]

_CHUNK = 1 << 17  # voxels a pass: the pair index and its copy inside bincount stay in the processor's cache
_MAX_CLASSES = 256  # class indices are bytes, and a pair of them fits 16 bits


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives of every class, each `[K]`."""

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]

    @property
    def truth(self) -> NDArray[np.int64]:
        """Voxels of every class in the truth, `[K]`."""
        return self.tp + self.fn

    @property
    def prediction(self) -> NDArray[np.int64]:
        """Voxels of every class in the prediction, `[K]`."""
        return self.tp + self.fp


def joint_histogram(truth: NDArray[np.integer], prediction: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Count how often each pair of classes meets in one voxel.

    Args:
        truth: Class indices, of any shape.
        prediction: Class indices, of the same shape.
        classes: Number of classes K, background included.

    Returns:
        Counts `[K, K]`; rows are classes of the truth, columns classes of the prediction.

    Raises:
        ValueError: If the shapes differ, or a value is not a class index below `classes`.
    """
    check_pair(truth, prediction, classes)
    if truth.flags.f_contiguous:  # as nibabel reads files: walk the memory in its own order
        truth, prediction = truth.T, prediction.T
    box = foreground_box(truth, prediction)
    histogram = _count_pairs(truth[box], prediction[box], classes)
    histogram[0, 0] += truth.size - histogram.sum()
    return histogram


def structure_counts(histogram: NDArray[np.int64]) -> Counts:
    """Read true positives, false positives and false negatives of every class off a joint histogram `[K, K]`."""
    tp = histogram.diagonal().copy()
    return Counts(tp, fp=histogram.sum(axis=0) - tp, fn=histogram.sum(axis=1) - tp)


def left_right_confusion(histogram: NDArray[np.int64], partners: Sequence[int]) -> NDArray[np.float64]:
    """Share of each structure's predicted voxels that lie on its mirror structure in the truth.

    Args:
        histogram: Joint histogram `[K, K]`.
        partners: Class index of every class's mirror structure, its own index where it has none.

    Returns:
        Shares `[K]` from 0 to 1; NaN for structures without a mirror structure and for those never predicted.
    """
    classes = np.arange(len(histogram))
    mirrored = histogram[np.asarray(partners), classes]
    predicted = histogram.sum(axis=0)
    confusion = np.full(len(histogram), np.nan)
    np.divide(mirrored, predicted, out=confusion, where=(predicted > 0) & (np.asarray(partners) != classes))
    return confusion


def check_pair(truth: NDArray[np.integer], prediction: NDArray[np.integer], classes: int) -> None:
    """Refuse label maps that cannot be compared.

    Raises:
        ValueError: If the shapes differ, or a value is not a class index below `classes`.
    """
    if truth.shape != prediction.shape:
        raise ValueError(
            f"The prediction has shape {prediction.shape} and the truth {truth.shape}; "
            "both must lie on one grid: resample the prediction first."
        )
    if not 1 <= classes <= _MAX_CLASSES:
        raise ValueError(f"Cannot count {classes} classes; between 1 and {_MAX_CLASSES} are possible.")
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"The {name} holds {labels.dtype} values; class indices must be integers.")
        lowest, highest = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
        if lowest < 0 or highest >= classes:
            raise ValueError(
                f"The {name} holds class {highest if lowest >= 0 else lowest}, "
                f"but with {classes} classes the indices run from 0 to {classes - 1}; map label ids to indices first."
            )


def foreground_box(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> Box:
    """Smallest box outside which both label maps are background; an empty box where both are background only."""
    box = [slice(None)] * truth.ndim
    for axis in range(truth.ndim):
        others = tuple(other for other in range(truth.ndim) if other != axis)
        part = tuple(box)
        filled = np.flatnonzero(truth[part].any(axis=others) | prediction[part].any(axis=others))
        box[axis] = slice(int(filled[0]), int(filled[-1]) + 1) if filled.size else slice(0, 0)
    return tuple(box)


def _count_pairs(truth: NDArray[np.integer], prediction: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Joint histogram `[K, K]` of two label maps of one shape, chunk by chunk."""
    rows, columns = truth.reshape(-1), prediction.reshape(-1)
    histogram = np.zeros(classes * classes, dtype=np.int64)
    for start in range(0, rows.size, _CHUNK):
        pairs = rows[start : start + _CHUNK].astype(np.uint16)
        pairs *= classes
        pairs += columns[start : start + _CHUNK].astype(np.uint16)
        histogram += np.bincount(pairs, minlength=histogram.size)
    return histogram.reshape(classes, classes)
