"""Calibration: how often a network is right, beside how sure it is.

The expected calibration error of Guo et al. (ICML 2017): voxels are put into bins of equal width by the probability of
the label that they get, and ECE = sum_b n_b / n |accuracy_b - confidence_b|. Here of every structure by itself, over
the voxels that are labelled as it, and of all structures together: background, most of a volume, is left out.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

BINS = 15
ALL = "all structures"
COLUMNS = ("structure", "bin", "voxels", "confidence", "correct")


def bin_counts(
    truth: NDArray[np.integer],
    prediction: NDArray[np.integer],
    confidence: NDArray[np.floating],
    names: tuple[str, ...],
) -> pd.DataFrame:
    """Count the voxels of one subject that are labelled as a structure, by how sure the network is of it.

    Args:
        truth: Class indices `[D, H, W]`.
        prediction: Class indices `[D, H, W]`.
        confidence: Probability of the predicted class, `[D, H, W]`.
        names: Of the classes, background first.

    Returns:
        With `COLUMNS`: voxels in each bin that isn't empty, the sum of their confidences, and how many are right.
    """
    labelled = prediction > 0
    classes, sure = prediction[labelled].astype(np.int64), confidence[labelled].astype(np.float64)
    place = classes * BINS + np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    right = (truth[labelled] == classes).astype(np.float64)
    size = len(names) * BINS
    counts, sums, correct = (np.bincount(place, weight, size) for weight in (None, sure, right))
    (filled,) = np.nonzero(counts)
    columns = (
        np.array(names)[filled // BINS],
        filled % BINS,
        counts[filled],
        sums[filled],
        correct[filled].astype(int),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def expected_calibration_error(counts: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The error of every structure, and of all together.

    Args:
        counts: Of `bin_counts`, of any number of subjects, with any other columns.
        by: Columns to keep apart, such as the variant.

    Returns:
        `by`, structure, voxels, ece, and overconfidence: mean confidence minus share of right labels.
    """
    everything = counts.assign(structure=ALL)
    keys = [*by, "structure"]
    sums = (
        pd.concat([counts, everything]).groupby([*keys, "bin"], sort=False)[["voxels", "confidence", "correct"]].sum()
    )
    sums = sums.assign(gap=(sums["correct"] - sums["confidence"]).abs()).groupby(keys, sort=False).sum()
    return sums.assign(
        ece=sums["gap"] / sums["voxels"],
        overconfidence=(sums["confidence"] - sums["correct"]) / sums["voxels"],
    ).reset_index()[[*keys, "voxels", "ece", "overconfidence"]]
