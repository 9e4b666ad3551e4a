"""Exact surface distances of all structures at once: Hausdorff, its 95th percentile, average symmetric, surface Dice.

The surface of a structure is its voxels with a 6-neighbour of another label, or on the border of the volume. Maps worth
comparing agree almost everywhere to a few voxels, so the nearest surface voxel is looked for where it will be:

1. one pass over each label map marks the surfaces of all structures together;
2. a surface voxel that both maps share is at distance 0;
3. the others try the voxels around them in order of length, all structures at once: the first hit is the nearest;
4. the few without a hit within reach ask a k-d tree of their structure's surface in the other map.

Every step is exact: the result is that of one Euclidean distance transform per structure, at a fraction of its cost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from benchmark.scoring.counts import check_pair, foreground_box

Labels = NDArray[np.integer]
Positions = NDArray[np.int64]
Distances = NDArray[np.float64]

TOLERANCES_MM = (1.0, 2.0)
_REACH = 5.0  # sides of a cube of one voxel's volume: some 500 probes, whatever the spacing
_ROUNDING_MM = 1e-6  # three steps of 0.1 mm are not 0.3 mm in binary


@dataclass(frozen=True)
class Frame:
    """The compared part of the volume in a margin of empty voxels, so that no probe leaves it."""

    shape: tuple[int, ...]  # margin included
    margin: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    reach_mm: float

    @classmethod
    def around(cls, shape: Sequence[int], spacing_mm: Sequence[float]) -> "Frame":
        """The frame of a volume of this shape."""
        reach_mm = _REACH * float(np.prod(spacing_mm)) ** (1 / len(spacing_mm))
        margin = tuple(int(reach_mm / side) for side in spacing_mm)
        framed = tuple(side + 2 * pad for side, pad in zip(shape, margin, strict=True))
        return cls(framed, margin, tuple(spacing_mm), reach_mm)

    def points(self, positions: Positions) -> Distances:
        """Coordinates in mm `[N, 3]` of positions in the flattened frame."""
        millimetres = np.empty((len(positions), len(self.shape)))
        for axis, index in enumerate(np.unravel_index(positions, self.shape)):
            np.multiply(index, self.spacing_mm[axis], out=millimetres[:, axis])
        return millimetres

    def probes(self) -> Iterator[tuple[float, Positions]]:
        """Every step within reach as offsets in the flattened frame, in groups of one length in mm, nearest first."""
        axes = np.meshgrid(*(np.arange(-pad, pad + 1) for pad in self.margin), indexing="ij")
        offsets = np.stack(axes, axis=-1).reshape(-1, len(axes))
        lengths = np.linalg.norm(offsets * np.array(self.spacing_mm), axis=1)
        strides = np.cumprod([1, *self.shape[:0:-1]])[::-1]
        order = np.argsort(lengths, kind="stable")[1 : np.count_nonzero(lengths <= self.reach_mm)]
        steps, lengths = (offsets @ strides)[order], lengths[order]
        starts = np.flatnonzero(np.diff(lengths, prepend=0.0) > _ROUNDING_MM)
        for start, end in pairwise([*starts, len(steps)]):
            yield float(lengths[start]), steps[start:end]


@dataclass(frozen=True)
class Surfaces:
    """Surface voxels of every structure of one label map, N in all, structure after structure."""

    labels: NDArray[np.uint8]  # the flattened frame: class index on a surface, 0 elsewhere
    positions: Positions  # [N], into `labels`
    structures: NDArray[np.uint8]  # [N]: class index
    sizes: NDArray[np.int64]  # [K]: surface voxels of every class

    def of(self, structure: int) -> Positions:
        """Positions of one structure's surface."""
        end = int(self.sizes[: structure + 1].sum())
        return self.positions[end - self.sizes[structure] : end]


def surface_metrics(
    truth: Labels,
    prediction: Labels,
    classes: int,
    spacing_mm: Sequence[float],
    tolerances_mm: Sequence[float] = TOLERANCES_MM,
) -> dict[str, Distances]:
    """Surface distances of every structure.

    Args:
        truth: Class indices `[D, H, W]`, 0 is background.
        prediction: Class indices `[D, H, W]`.
        classes: Number of classes K, background included.
        spacing_mm: Size of a voxel along each axis.
        tolerances_mm: Distances up to which surface voxels count as agreeing; one surface Dice for each.

    Returns:
        Each `[K]`, NaN for the background and for structures that are not in both maps: "hausdorff_mm";
        "hausdorff95_mm", the larger of both directions' 95th percentiles; "assd_mm", the mean over the surface voxels
        of both maps; "surface_dice_1mm" and so on, the share of the surface voxels of both maps that lie within the
        tolerance of the other (Nikolov et al. 2021, with voxels as surface elements).

    Raises:
        ValueError: If the maps cannot be compared, or the spacing is not one positive length for each axis.
    """
    check_pair(truth, prediction, classes)
    _check_spacing(truth, spacing_mm)
    if truth.flags.f_contiguous:  # as nibabel reads files: walk the memory in its own order
        truth, prediction, spacing_mm = truth.T, prediction.T, tuple(spacing_mm)[::-1]
    box = foreground_box(truth, prediction)
    frame = Frame.around(truth[box].shape, spacing_mm)
    expected, found = (_surfaces(labels[box], classes, frame) for labels in (truth, prediction))
    forth, back = _directed_distances(expected, found, frame), _directed_distances(found, expected, frame)
    metrics = {name: np.full(classes, np.nan) for name in metric_names(tolerances_mm)}
    for structure in np.flatnonzero((expected.sizes > 0) & (found.sizes > 0)):
        values = _summary(forth[structure], back[structure], tolerances_mm)
        for name, value in zip(metrics, values, strict=True):
            metrics[name][structure] = value
    return metrics


def metric_names(tolerances_mm: Sequence[float] = TOLERANCES_MM) -> list[str]:
    """Names of the surface metrics, in order."""
    return ["hausdorff_mm", "hausdorff95_mm", "assd_mm", *(f"surface_dice_{mm:g}mm" for mm in tolerances_mm)]


def _summary(forth: Distances, back: Distances, tolerances_mm: Sequence[float]) -> list[float]:
    """Metrics of one structure, in the order of their names, from the distances of both surfaces."""
    both = np.concatenate([forth, back])
    hausdorff95 = max(np.percentile(forth, 95), np.percentile(back, 95))
    agreeing = [np.mean(both <= tolerance + _ROUNDING_MM) for tolerance in tolerances_mm]
    return [float(value) for value in (both.max(), hausdorff95, both.mean(), *agreeing)]


def _check_spacing(volume: Labels, spacing_mm: Sequence[float]) -> None:
    if len(spacing_mm) != volume.ndim or not all(np.isfinite(side) and side > 0 for side in spacing_mm):
        raise ValueError(
            f"Spacing {tuple(spacing_mm)} does not fit a volume of {volume.ndim} axes; "
            "expected one positive length in mm for each axis."
        )


def _surfaces(labels: Labels, classes: int, frame: Frame) -> Surfaces:
    """Find the surfaces of all structures of one label map."""
    framed = np.zeros(frame.shape, dtype=np.uint8)
    inner = framed[tuple(slice(pad, pad + side) for pad, side in zip(frame.margin, labels.shape, strict=True))]
    np.multiply(labels, _edges(labels), out=inner, casting="unsafe")
    flat = framed.reshape(-1)
    positions = np.flatnonzero(flat != 0)
    structures = flat.take(positions)
    order = np.argsort(structures, kind="stable")
    return Surfaces(flat, positions[order], structures[order], np.bincount(structures, minlength=classes))


def _edges(labels: Labels) -> NDArray[np.bool_]:
    """Voxels with a 6-neighbour of another label, and those on the border."""
    edges = np.zeros(labels.shape, dtype=np.bool_)
    for axis in range(labels.ndim):
        along, mark = np.moveaxis(labels, axis, 0), np.moveaxis(edges, axis, 0)
        differs = along[1:] != along[:-1]
        mark[1:] |= differs
        mark[:-1] |= differs
        mark[:1] = mark[-1:] = True
    return edges


def _directed_distances(source: Surfaces, target: Surfaces, frame: Frame) -> list[Distances]:
    """Distance in mm of every surface voxel to its structure's surface in `target`, one array for each class."""
    apart = (target.labels.take(source.positions) != source.structures) & (target.sizes[source.structures] > 0)
    positions, structures = source.positions[apart], source.structures[apart]
    distances = _probe(positions, structures, target, frame)
    beyond = np.flatnonzero(np.isinf(distances))
    for structure in np.unique(structures[beyond]):
        asking = beyond[structures[beyond] == structure]
        surface = frame.points(target.of(structure))
        tree = cKDTree(surface, leafsize=64, balanced_tree=False, compact_nodes=False)  # few ask: cheap to build
        distances[asking] = tree.query(frame.points(positions[asking]))[0]
    parts = np.split(distances, np.cumsum(np.bincount(structures, minlength=len(source.sizes)))[:-1])
    return [np.concatenate([np.zeros(size - len(part)), part]) for part, size in zip(parts, source.sizes, strict=True)]


def _probe(positions: Positions, structures: NDArray[np.uint8], target: Surfaces, frame: Frame) -> Distances:
    """Distance in mm to the nearest voxel of the same structure's surface, infinite beyond the frame's reach."""
    distances = np.full(len(positions), np.inf)
    seeking = np.arange(len(positions))
    for length, steps in frame.probes():
        found = np.zeros(len(seeking), dtype=np.bool_)
        for step in steps:
            found |= target.labels.take(positions + step) == structures
        distances[seeking[found]] = length
        seeking, positions, structures = seeking[~found], positions[~found], structures[~found]
    return distances
