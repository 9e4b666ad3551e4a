"""Our scores beside MONAI's: pairs of label maps, in one run, every measurement in a process of its own.

MONAI scores one-hot tensors; making them is not charged to it. Ours are charged for everything from the label maps on,
and compute all overlaps or all distances together: each of MONAI's metrics is compared with the whole.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.bench.measuring import Begin, Cost, comparison, measure, silently
from benchmark.bench.monai_scores import OneHot, confusion_matrix, dice, distances, hausdorff, mean_iou, one_hot
from benchmark.scoring.counts import foreground_box, joint_histogram, structure_counts
from benchmark.scoring.distances import surface_metrics
from benchmark.scoring.overlap import overlap_metrics
from datamodules.labels.protocol import load_protocol
from datamodules.simulation.phantom import phantom_labels
from datamodules.simulation.random_fields import smooth_field

FIELD_OF_VIEW_MM = 256.0
ISOTROPIC_MM = (1.0, 1.0, 1.0)
ANISOTROPIC_MM = (1.2, 1.0, 0.9)
ISLANDS = {"close": 4, "far": 128}
"""Islands of a wrong label in the prediction of each pair.

At 256 voxels a side the close one has a mean Dice of 0.83 and a mean Hausdorff distance of 6.6 mm: between the best
networks of Tang et al. 2025 (0.86 and 4.5 mm, 0.75 and 6.0 mm). The far one has 0.81 and 64 mm, as almost every
structure has a voxel at the other end of the brain.
"""

Scores = Mapping[str, NDArray[np.float64]]
Task = Callable[[Any], Scores]


@dataclass(frozen=True)
class Pair:
    """Truth and prediction, class indices `[D, H, W]`, of K classes."""

    truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    classes: int

    def cropped(self) -> "Pair":
        """The part of both in which either holds a structure."""
        box = foreground_box(self.truth, self.prediction)
        return Pair(self.truth[box].copy(), self.prediction[box].copy(), self.classes)

    def itself(self) -> "Pair":
        """What our scores are given."""
        return self

    def common(self) -> NDArray[np.intp]:
        """Classes of the structures that are in both."""
        voxels = [np.bincount(labels.reshape(-1), minlength=self.classes) for labels in (self.truth, self.prediction)]
        return 1 + np.flatnonzero((voxels[0] > 0)[1:] & (voxels[1] > 0)[1:])


@dataclass(frozen=True)
class Comparison:
    """One case: our function, MONAI's, and the type of tensor that is cheapest for MONAI's."""

    ours: Task
    peer: Task
    dtype: str = "float32"


def bench(size: int = 256, repeats: int = 3, seed: int = 0, begin: Begin = silently) -> dict[str, dict[str, Any]]:
    """Measure our scores and MONAI's on pairs of 45 classes.

    Args:
        size: Voxels along each side of the volume.
        repeats: Measurements of ours, of which the median counts; MONAI's, which last long, are taken once.
        seed: Draws the phantom and the errors of its copies.
        begin: Told each case before it is measured.

    Returns:
        By pair and case, "ours" and "peer" (cpu_seconds, added_mib), their "ratio" (peer / ours) and "max_difference",
        the largest over the structures in both maps, of shares or of mm. The case "everything" is all of our overlaps
        and distances beside the sum of MONAI's seconds and the largest of its memories.
    """
    return {
        f"{name}: {case}": row
        for name, islands in ISLANDS.items()
        for case, row in _bench_pair(make_pair(size, islands, seed), repeats, _within(name, begin)).items()
    }


def make_pair(size: int, islands: int = ISLANDS["close"], seed: int = 0) -> Pair:
    """A phantom, and a copy displaced by about a voxel in which small islands carry a wrong label."""
    rng = np.random.default_rng(seed)
    protocol = load_protocol("aseg45")
    truth = protocol.to_indices(protocol.fold_unknown(phantom_labels(seed, size, FIELD_OF_VIEW_MM / size)))
    axes: tuple[NDArray[np.int16], ...] = np.indices(truth.shape, np.int16, sparse=True)
    moved = []
    for axis in axes:
        shift = np.rint(smooth_field(rng, max(size // 8, 2), truth.shape, 0.8)).astype(np.int16)
        moved.append(np.clip(axis + shift, 0, size - 1))
    prediction = truth[tuple(moved)]
    for corner in rng.permutation(np.argwhere(truth > 0))[:islands]:
        island = tuple(slice(start, start + side) for start, side in zip(corner, rng.integers(1, 5, 3), strict=True))
        prediction[island] = rng.integers(protocol.num_classes)
    return Pair(truth, prediction, protocol.num_classes)


def our_overlaps(pair: Pair) -> Scores:
    """All our overlap metrics."""
    return overlap_metrics(structure_counts(joint_histogram(pair.truth, pair.prediction, pair.classes)))


def our_distances(pair: Pair, spacing_mm: tuple[float, float, float]) -> Scores:
    """All our surface metrics."""
    return surface_metrics(pair.truth, pair.prediction, pair.classes, spacing_mm)


def our_scores(pair: Pair) -> Scores:
    """All our overlap and surface metrics."""
    return {**our_overlaps(pair), **our_distances(pair, ISOTROPIC_MM)}


def largest_difference(ours: Scores, peer: Scores, structures: NDArray[np.intp]) -> float:
    """Largest absolute difference over the peer's metrics and the given structures; NaN if either is undefined."""
    return float(np.max([np.abs(ours[name] - values)[structures] for name, values in peer.items()]))


def _within(pair: str, begin: Begin) -> Begin:
    return lambda case: begin(f"{pair}: {case}")


def _bench_pair(pair: Pair, repeats: int, begin: Begin) -> dict[str, dict[str, Any]]:
    isotropic, anisotropic = (partial(our_distances, spacing_mm=spacing) for spacing in (ISOTROPIC_MM, ANISOTROPIC_MM))
    parts = {
        "mean_iou": Comparison(our_overlaps, mean_iou),
        "dice": Comparison(our_overlaps, dice),
        "confusion_matrix": Comparison(our_overlaps, confusion_matrix, dtype="uint8"),
        "distances": Comparison(isotropic, partial(distances, spacing_mm=ISOTROPIC_MM)),
    }
    others = {
        "hausdorff": Comparison(isotropic, hausdorff),
        "distances_anisotropic": Comparison(anisotropic, partial(distances, spacing_mm=ANISOTROPIC_MM)),
    }
    cases = {name: _compare(name, pair, each, repeats, begin) for name, each in parts.items()}
    begin("everything")
    cases["everything"] = _everything(pair, cases, repeats)
    cases |= {name: _compare(name, pair, each, repeats, begin) for name, each in others.items()}
    cropped = "hausdorff_cropped"
    cases[cropped] = _compare(cropped, pair.cropped(), others["hausdorff"], repeats, begin)
    return cases


def _compare(name: str, pair: Pair, tasks: Comparison, repeats: int, begin: Begin) -> dict[str, Any]:
    begin(name)
    ours, our_values = measure(pair.itself, tasks.ours, repeats=repeats)
    peer, peer_values = measure(partial(_tensors, pair, tasks.dtype), tasks.peer)
    return comparison(ours, peer, largest_difference(our_values, peer_values, pair.common()))


def _tensors(pair: Pair, dtype: str) -> OneHot:
    """What MONAI is given, in the process that measures it."""
    warnings.filterwarnings("ignore", module="monai")  # about structures that are absent from either map
    return one_hot(pair.truth, pair.prediction, pair.classes, dtype)


def _everything(pair: Pair, parts: Mapping[str, Mapping[str, Any]], repeats: int) -> dict[str, Any]:
    ours, _ = measure(pair.itself, our_scores, repeats=repeats)
    peers = [Cost(**part["peer"]) for part in parts.values()]
    peer = Cost(sum(cost.cpu_seconds for cost in peers), max(cost.added_mib for cost in peers))
    return comparison(ours, peer, max(part["max_difference"] for part in parts.values()))
