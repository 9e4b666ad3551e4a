"""Sliding-window inference that holds what windows share, never the logits of the whole volume.

Windows, padding and weights are those of MONAI's `SlidingWindowInferer`, and so are the labels, to the last bit: each
voxel's logits are weighted, summed in the same order and divided by the same sum of weights. What differs is how long
they live. The volume is cut into boxes wherever a window starts or ends; the sums of a box exist from the first window
that covers it to the last, and then become labels at once. Sums are float32 whatever the precision of the network.

What else a prediction may need is a wrapper around the network (`mirrored`, `in_precision`, `ensemble`), not an option.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Network = Callable[[Tensor], Tensor]
Corner = tuple[int, int, int]
Box = tuple[slice, slice, slice]

SIGMA = 0.125  # of the Gaussian weights, in window sides: the value of nnU-Net and MONAI
SMALLEST_WEIGHT = 1e-3
AT_ONCE = 2 * 96**3  # voxels given to the network at once, however small the windows: those of the paper's two
WHOLE = (10_000, 10_000, 10_000)
LONGEST = {"cpu": (2, 10_000, 10_000)}
"""Voxels along each axis that are summed together: few, to stay in a processor's cache; elsewhere the `WHOLE`, as
starting many small computations takes longer than doing them."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlidingWindow:
    """How a volume is covered by windows. The defaults are the paper's.

    Attributes:
        size: Sides of a window `[D, H, W]` in voxels.
        overlap: Share of a window that its neighbour covers too, in [0, 1).
        weights: `constant`, or `gaussian` to trust the middle of a window more than its rim.
        batch: Windows given to the network at once, halved where memory is short; labels don't depend on it. Where not
            given, as many as have the voxels of two windows of 96^3, the paper's: their memory is bounded by that.
    """

    size: tuple[int, int, int] = (96, 96, 96)
    overlap: float = 0.25
    weights: Literal["constant", "gaussian"] = "constant"
    batch: int | None = None

    def __post_init__(self) -> None:
        if len(self.size) != 3 or min(self.size) < 1:
            raise ValueError(f"A sliding window needs three sides of at least one voxel, got size={self.size}.")
        if not 0 <= self.overlap < 1:
            raise ValueError(f"The overlap of sliding windows lies in [0, 1), got {self.overlap}.")
        if self.weights not in ("constant", "gaussian"):
            raise ValueError(f"Window weights are 'constant' or 'gaussian', got {self.weights!r}.")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"At least one window goes through the network at a time, got batch={self.batch}.")

    @property
    def at_once(self) -> int:
        """How many windows are given to the network at once."""
        return self.batch or max(AT_ONCE // math.prod(self.size), 1)

    def starts(self, shape: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
        """Where the windows that cover a volume of `shape` start along each axis; no side may be below the window's."""
        x, y, z = (_starts(length, side, self.overlap) for length, side in zip(shape, self.size, strict=True))
        return x, y, z

    def importance(self, device: torch.device | None = None) -> Tensor | None:
        """Weight of every voxel of a window, `[D, H, W]`, float32; None where all are 1."""
        if self.weights == "constant":
            return None
        x, y, z = (_bell(side) for side in self.size)
        weights = (x[:, None] * y)[:, :, None] * z
        return weights.clamp_(min=SMALLEST_WEIGHT).to(device)


@torch.inference_mode()
def segment(network: Network, image: Tensor, classes: int, window: SlidingWindow) -> Tensor:
    """Label every voxel of one volume.

    Args:
        network: Maps `[B, M, d, h, w]` to logits `[B, K, d, h, w]` on the device of `image`.
        image: `[M, D, H, W]`.
        classes: K, at most 256.
        window: How the volume is covered.

    Returns:
        Class indices, uint8 `[D, H, W]`, on the device of `image`.

    Raises:
        ValueError: If the network gives another number of classes.
    """
    padded, inside = _pad(image, window.size)
    labels = torch.empty(padded.shape[1:], dtype=torch.uint8, device=image.device)
    for box, logits in _finished_boxes(network, padded, classes, window):
        labels[box] = logits.max(dim=0).indices  # on a CPU twice as fast as argmax
        del logits  # may be part of a window's, which would live on while the network makes the next
    return labels[inside].contiguous()


def segment_foreground(network: Network, image: Tensor, classes: int, window: SlidingWindow) -> Tensor:
    """`segment` within the box of all voxels above zero in any modality; the rest is background, class 0."""
    labels = torch.zeros(image.shape[1:], dtype=torch.uint8, device=image.device)
    box = foreground_box(image)
    labels[box] = segment(network, image[:, *box], classes, window)
    return labels


@torch.inference_mode()
def probabilities(
    network: Network, image: Tensor, classes: int, window: SlidingWindow, dtype: torch.dtype = torch.float16
) -> Tensor:
    """Softmax of the averaged logits, `[K, D, H, W]`: K times the memory of the labels, so only on demand.

    Args:
        network: As for `segment`.
        image: `[M, D, H, W]`.
        classes: K.
        window: How the volume is covered.
        dtype: Of the result.
    """
    padded, inside = _pad(image, window.size)
    shares = torch.empty((classes, *padded.shape[1:]), dtype=dtype, device=image.device)
    for box, logits in _finished_boxes(network, padded, classes, window):
        shares[:, *box] = logits.float().softmax(dim=0).to(dtype)
        del logits  # as above
    return shares[:, *inside].contiguous()


def foreground_box(image: Tensor) -> Box:
    """The smallest box around all voxels above zero in any modality of `[M, D, H, W]`; everything if there is none."""
    above = (image > 0).any(dim=0)
    if not above.any():
        return (slice(None), slice(None), slice(None))
    x, y, z = (_extent(above.any(dim=first).any(dim=second)) for first, second in ((2, 1), (2, 0), (1, 0)))
    return (x, y, z)


def mirrored(network: Network, partners: Sequence[int]) -> Network:
    """Average a network's logits over the window and its left-right mirror image (first axis of a RAS volume).

    Args:
        network: Maps `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.
        partners: Class index of each class's mirror structure, itself for structures of the midline.
    """

    def both(windows: Tensor) -> Tensor:
        classes = network(windows.flip(2)).flip(2).unbind(1)
        reflection = torch.stack([classes[partner] for partner in partners], dim=1).float()  # no index to send a device
        return reflection.add_(network(windows)).mul_(0.5)

    return both


def in_precision(network: Network, dtype: torch.dtype) -> Network:
    """Run a network under autocast to `torch.bfloat16` or `torch.float16`; its logits are still summed in float32."""

    def lowered(windows: Tensor) -> Tensor:
        with torch.autocast(windows.device.type, dtype=dtype):
            return network(windows)

    return lowered


def ensemble(networks: Sequence[Network]) -> Network:
    """Average the logits of several networks, such as those of the folds.

    Raises:
        ValueError: If there is none.
    """
    if not networks:
        raise ValueError("An ensemble needs at least one network.")

    def averaged(windows: Tensor) -> Tensor:
        total = networks[0](windows).to(torch.float32, copy=True)
        for network in networks[1:]:
            total += network(windows)
        return total.div_(len(networks))

    return averaged


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Equal steps, of which the last is shortened so that the last window ends with the volume."""
    step = max(int(side * (1 - overlap)), 1)
    return [min(index * step, length - side) for index in range(math.ceil((length - side) / step) + 1)]


def _bell(side: int) -> Tensor:
    middle = (side - 1) / 2
    offsets = torch.arange(-middle, middle + 1, dtype=torch.float32)
    return torch.exp(offsets**2 / (-2 * (SIGMA * side) ** 2))


def _extent(occupied: Tensor) -> slice:
    positions = occupied.nonzero()
    return slice(int(positions[0]), int(positions[-1]) + 1)


def _pad(image: Tensor, size: Sequence[int]) -> tuple[Tensor, tuple[slice, ...]]:
    """Centre a volume smaller than a window among zeros; also returns where it lies in the result."""
    missing = [max(side - length, 0) for side, length in zip(size, image.shape[1:], strict=True)]
    inside = tuple(slice(gap // 2, gap // 2 + length) for gap, length in zip(missing, image.shape[1:], strict=True))
    if not any(missing):
        return image, inside
    return F.pad(image, [margin for gap in reversed(missing) for margin in (gap // 2, gap - gap // 2)]), inside


def _finished_boxes(
    network: Network, image: Tensor, classes: int, window: SlidingWindow
) -> Iterator[tuple[Box, Tensor]]:
    """Yield the averaged logits `[K, ...]` of box after box of the volume, as soon as no later window touches it."""
    weights = window.importance(image.device)
    longest = LONGEST.get(image.device.type, WHOLE)
    axes = [_intervals(*each) for each in zip(window.starts(image.shape[1:]), window.size, longest, strict=True)]
    sums: dict[Corner, _Sum] = {}
    for corner, logits in _logits_of_windows(network, image, window):
        if len(logits) != classes:
            raise ValueError(f"The network tells {len(logits)} classes apart, but the structures are {classes}.")
        for x, y, z in product(*(axis[start] for axis, start in zip(axes, corner, strict=True))):
            box, key = (x.span, y.span, z.span), (x.span.start, y.span.start, z.span.start)
            inside = tuple(
                slice(span.start - start, span.stop - start) for span, start in zip(box, corner, strict=True)
            )
            total = _Sum.of(logits[:, *inside], None if weights is None else weights[inside])
            if key in sums:
                total = sums.pop(key).plus(total)
            if x.last and y.last and z.last:
                yield box, total.mean()
            else:
                sums[key] = total.kept()
        del logits, total  # else they would live on while the network makes the next


@dataclass(frozen=True)
class _Sum:
    """Weighted logits `[K, ...]` of a box, summed over windows in float32, and the sum of their weights.

    A window's own logits are only looked at, and copied no sooner than they must outlive it: copying is most of what
    inference costs beside the network.
    """

    logits: Tensor
    weight: Tensor | int
    owned: bool

    @classmethod
    def of(cls, logits: Tensor, weights: Tensor | None) -> "_Sum":
        return cls(logits, 1, owned=False) if weights is None else cls(logits * weights, weights, owned=True)

    def plus(self, other: "_Sum") -> "_Sum":
        return _Sum(self.logits.add_(other.logits), self.weight + other.weight, owned=True)

    def kept(self) -> "_Sum":
        return self if self.owned else _Sum(self.logits.to(torch.float32, copy=True), self.weight, owned=True)

    def mean(self) -> Tensor:
        return self.logits.div_(self.weight) if self.owned else self.logits  # of one window, whose weights are 1


@dataclass(frozen=True)
class _Interval:
    """A stretch of one axis that is covered by the same windows all along; `last` for the last of these windows."""

    span: slice
    last: bool


def _intervals(starts: Sequence[int], side: int, longest: int) -> dict[int, list[_Interval]]:
    """Cut an axis where windows start or end, and after `longest` voxels; gives the parts of each by its start."""
    cuts = sorted({cut for start in starts for cut in (start, start + side)})
    spans = [
        slice(first, min(first + longest, high)) for low, high in pairwise(cuts) for first in range(low, high, longest)
    ]
    return {
        start: [
            _Interval(span, last=start == max(other for other in starts if other <= span.start))
            for span in spans
            if start <= span.start < start + side
        ]
        for start in starts
    }


def _logits_of_windows(network: Network, image: Tensor, window: SlidingWindow) -> Iterator[tuple[Corner, Tensor]]:
    """Yield every corner with its logits `[K, d, h, w]`, in smaller batches once memory has run out."""
    corners: list[Corner] = list(product(*window.starts(image.shape[1:])))
    batch, position = window.at_once, 0
    while position < len(corners):
        chosen = corners[position : position + batch]
        try:
            logits = network(torch.stack([_cut(image, corner, window.size) for corner in chosen]))
        except RuntimeError as error:
            if batch == 1 or not _is_out_of_memory(error):
                raise
            logger.warning("Memory is too short for %d windows at once: going on with %d.", batch, batch // 2)
            batch //= 2
            continue
        position += len(chosen)
        yield from zip(chosen, logits, strict=True)
        del logits  # as above


def _cut(image: Tensor, corner: Corner, size: Sequence[int]) -> Tensor:
    x, y, z = (slice(start, start + side) for start, side in zip(corner, size, strict=True))
    return image[:, x, y, z]


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
