"""MONAI's metrics of a pair of label maps, under the names of ours: the peer of the scoring benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_confusion_matrix_metric,
    compute_dice,
    compute_hausdorff_distance,
    compute_iou,
    compute_surface_dice,
    get_confusion_matrix,
)
from monai.networks import one_hot as to_one_hot
from numpy.typing import NDArray
from torch import Tensor

Scores = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class OneHot:
    """Truth and prediction as MONAI takes them, each `[1, K, D, H, W]`."""

    truth: Tensor
    prediction: Tensor


def one_hot(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int, dtype: str) -> OneHot:
    """Turn class indices `[D, H, W]` into one-hot tensors of a type, "float32" or "uint8"."""
    tensors = (torch.from_numpy(labels)[None, None].long() for labels in (truth, prediction))
    return OneHot(*(to_one_hot(labels, classes, dtype=getattr(torch, dtype)) for labels in tensors))


def mean_iou(pair: OneHot) -> Scores:
    """Jaccard of every class, `[K]`, NaN for the background."""
    return {"jaccard": _by_class(compute_iou(pair.prediction, pair.truth, include_background=False))}


def dice(pair: OneHot) -> Scores:
    """Dice of every class."""
    return {"dice": _by_class(compute_dice(pair.prediction, pair.truth, include_background=False))}


def confusion_matrix(pair: OneHot) -> Scores:
    """Sensitivity and precision of every class."""
    matrix = get_confusion_matrix(pair.prediction, pair.truth, include_background=False)
    return {name: _by_class(compute_confusion_matrix_metric(name, matrix)) for name in ("sensitivity", "precision")}


def hausdorff(pair: OneHot, spacing_mm: Sequence[float] = (1.0, 1.0, 1.0)) -> Scores:
    """Hausdorff distance of every class."""
    return {"hausdorff_mm": _by_class(compute_hausdorff_distance(pair.prediction, pair.truth, spacing=spacing_mm))}


def distances(pair: OneHot, spacing_mm: Sequence[float]) -> Scores:
    """Hausdorff, its 95th percentile, average symmetric surface distance and surface Dice at 1 mm of every class."""
    prediction, truth = pair.prediction, pair.truth
    tolerances = [1.0] * (truth.shape[1] - 1)
    hausdorff95 = compute_hausdorff_distance(prediction, truth, percentile=95, spacing=spacing_mm)
    average = compute_average_surface_distance(prediction, truth, symmetric=True, spacing=spacing_mm)
    return {
        **hausdorff(pair, spacing_mm),
        "hausdorff95_mm": _by_class(hausdorff95),
        "assd_mm": _by_class(average),
        "surface_dice_1mm": _by_class(compute_surface_dice(prediction, truth, tolerances, spacing=spacing_mm)),
    }


def _by_class(values: Tensor) -> NDArray[np.float64]:
    """From `[1, K - 1]` to `[K]`, NaN for the background."""
    scores: NDArray[np.float64] = np.concatenate([[np.nan], values[0].double().numpy()])
    return scores
