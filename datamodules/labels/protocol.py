"""Label protocols: which FreeSurfer label is which class, with names, sides, mirror partners, tissues and colours.

A protocol is a small table (`protocol_table.py` beside this); the position of a row is its class index. Three are
shipped in `datamodules/labels/protocols/`: `aseg45`, `synthseg32` and `coarse9`. Any other is a file of the same form.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.labels.protocol_table import MAX_LABEL, LabelRange, Structure, read_table
from datamodules.labels.unusual_labels import explain, suggest

__all__ = [
    "LabelRange",
    "Protocol",
    "Structure",
    "UnknownLabelError",
    "load_protocol",
    "shipped_protocols",
    "whole_numbers",
]

UNKNOWN = 255
"""Class index that stands for "no class" inside `Protocol`."""

IntegerArray = NDArray[np.integer]


class UnknownLabelError(ValueError):
    """A label map holds ids that the protocol neither contains nor folds.

    Attributes:
        counts: Number of voxels of each unknown id.
        protocol: Name of the protocol.
    """

    def __init__(self, counts: dict[int, int], protocol: str) -> None:
        self.counts = counts
        self.protocol = protocol
        super().__init__(
            f"The label map holds {len(counts)} ids that the protocol {protocol!r} does not know: {explain(counts)}. "
            f"{suggest(counts)}"
        )

    def __reduce__(self) -> tuple[type["UnknownLabelError"], tuple[dict[int, int], str]]:
        """Survive the way back from a worker process."""
        return type(self), (self.counts, self.protocol)


@dataclass(frozen=True)
class Protocol:
    """An ordered set of structures; the position of a structure is its class index, and index 0 is background."""

    name: str
    structures: tuple[Structure, ...]
    folds: tuple[LabelRange, ...] = ()

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""
        return len(self.structures)

    @property
    def labels(self) -> tuple[int, ...]:
        """FreeSurfer label of each class."""
        return tuple(structure.label for structure in self.structures)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class."""
        return tuple(structure.name for structure in self.structures)

    @property
    def partners(self) -> tuple[int, ...]:
        """Class index of each class's mirror structure, its own index where it has none."""
        index = {label: i for i, label in enumerate(self.labels)}
        return tuple(index[s.label if s.partner is None else s.partner] for s in self.structures)

    def to_indices(self, labels: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Turn FreeSurfer labels into class indices.

        Args:
            labels: Whole numbers of any shape and type (label maps are often stored as float).

        Returns:
            Class indices of the same shape.

        Raises:
            UnknownLabelError: An id is neither in the protocol nor folded.
            ValueError: A value is not a whole number.
        """
        indices = self._look_up(whole_numbers(labels))
        unknown = indices == UNKNOWN
        if unknown.any():
            raise UnknownLabelError(_count(whole_numbers(labels[unknown])), self.name)
        return indices

    def to_labels(self, indices: IntegerArray) -> NDArray[np.int16]:
        """Turn class indices into FreeSurfer labels of the same shape."""
        return np.asarray(self.labels, np.int16)[indices]

    def unknown_labels(self, labels: NDArray[np.generic]) -> dict[int, int]:
        """Count the voxels of each id that is neither in the protocol nor folded."""
        whole = whole_numbers(labels)
        return _count(whole[self._look_up(whole) == UNKNOWN])

    def fold_unknown(self, labels: NDArray[np.generic]) -> IntegerArray:
        """Return the labels with every id that the protocol does not know set to background."""
        whole = whole_numbers(labels)
        return np.where(self._look_up(whole) == UNKNOWN, whole.dtype.type(0), whole)

    def _look_up(self, labels: IntegerArray) -> NDArray[np.uint8]:
        if labels.size and labels.min() < 0:
            labels = np.where(labels < 0, MAX_LABEL + 1, labels)
        return np.take(self._table, labels, mode="clip")

    @cached_property
    def _table(self) -> NDArray[np.uint8]:
        """Class index of every label; the last entry is unknown, so labels beyond the table can be clipped to it."""
        index = {label: i for i, label in enumerate(self.labels)}
        table = np.full(MAX_LABEL + 2, UNKNOWN, np.uint8)
        for fold in self.folds:
            table[fold.first : fold.last + 1] = index[fold.label]
        table[list(self.labels)] = np.arange(self.num_classes)
        return table


def whole_numbers(labels: NDArray[np.generic]) -> IntegerArray:
    """Return a label map as integers, whatever type it was stored in.

    Raises:
        ValueError: A value is not a whole number.
    """
    if np.issubdtype(labels.dtype, np.integer):
        return labels  # type: ignore[return-value]
    with np.errstate(invalid="ignore"):  # NaN: found by the comparison
        whole = labels.astype(np.int32)
    fractions = int(np.count_nonzero(whole != labels))
    if fractions:
        raise ValueError(
            f"A label map must hold whole numbers, and {fractions} of its voxels do not: "
            "resample label maps with nearest neighbour."
        )
    return whole


def _count(labels: IntegerArray) -> dict[int, int]:
    ids, voxels = np.unique(labels, return_counts=True)
    return dict(zip(ids.tolist(), voxels.tolist(), strict=True))


def shipped_protocols() -> tuple[str, ...]:
    """Names of the protocols that come with the suite."""
    folder = files("datamodules.labels") / "protocols"
    return tuple(sorted(Path(table.name).stem for table in folder.iterdir() if table.name.endswith(".tsv")))


def load_protocol(name_or_path: str) -> Protocol:
    """Load a shipped protocol by its name, or any protocol from a tab-separated file.

    Raises:
        ValueError: The name is not a shipped one, or the table breaks a rule; file and line are named.
        FileNotFoundError: There is no such file.
    """
    if name_or_path in shipped_protocols():
        table = files("datamodules.labels") / "protocols" / f"{name_or_path}.tsv"
        return Protocol(name_or_path, *read_table(table.read_text(encoding="utf-8"), source=table.name))
    path = Path(name_or_path)
    if path.suffix != ".tsv":
        raise ValueError(
            f"Unknown protocol {name_or_path!r}: expected one of {', '.join(shipped_protocols())}, "
            "or the path of a .tsv table."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no protocol table {path}.")
    return Protocol(path.stem, *read_table(path.read_text(encoding="utf-8"), source=str(path)))
