"""Sliding-window inference against MONAI's `SlidingWindowInferer`: what they cost beyond the network itself."""

from collections.abc import Callable, Sequence
from itertools import product
from time import process_time
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.bench.measuring import Begin, Cost, comparison, fresh_peak_mib, in_fresh_process, peak_mib, silently
from benchmark.labelling.sliding_window import SlidingWindow, segment

CLASSES = 45
SHAPES = ((160, 200, 180), (256, 256, 256))

Labels = npt.NDArray[np.uint8]
Method = Literal["ours", "monai"]


def bench(
    shapes: Sequence[tuple[int, int, int]] = SHAPES,
    windows: Sequence[SlidingWindow] = (SlidingWindow(), SlidingWindow(weights="gaussian")),
    classes: int = CLASSES,
    begin: Begin = silently,
) -> dict[str, dict[str, Any]]:
    """Compare every shape and window; the difference is the largest share of voxels labelled otherwise."""
    cases = {}
    for shape, window in product(shapes, windows):
        name = f"{'x'.join(map(str, shape))}, {classes} classes, {window.weights} weights"
        begin(name)
        cases[name] = _compare(shape, window, classes)
    return cases


class FreeNetwork:
    """Stands in for a network: smooth logits made of its input, and a stopwatch to take its own cost off."""

    def __init__(self, classes: int, size: Sequence[int]) -> None:
        generator = torch.Generator().manual_seed(0)
        self.logits = torch.empty((classes, *size))
        for logits in self.logits:  # one by one: what is held in passing would hide what inference adds to the peak
            logits[:] = F.avg_pool3d(torch.randn([1, *[side + 4 for side in size]], generator=generator), 5, stride=1)[
                0
            ]
        self.cpu_seconds = 0.0

    def __call__(self, windows: Tensor) -> Tensor:
        """Map `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        start = process_time()
        logits = self.logits * windows[:, :1]
        self.cpu_seconds += process_time() - start
        return logits


def _compare(shape: tuple[int, int, int], window: SlidingWindow, classes: int) -> dict[str, Any]:
    labels, cost = in_fresh_process(_predict, "ours", shape, window, classes)
    expected, peer = in_fresh_process(_predict, "monai", shape, window, classes)
    return comparison(cost, peer, float(np.mean(labels != expected)))


def _predict(method: Method, shape: tuple[int, int, int], window: SlidingWindow, classes: int) -> tuple[Labels, Cost]:
    """Runs in a process of its own. Peak memory holds one batch of logits, which any network returns."""
    predict = _with_monai() if method == "monai" else segment
    image = torch.rand((2, *shape), generator=torch.Generator().manual_seed(1))
    network = FreeNetwork(classes, window.size)
    before, start = fresh_peak_mib(), process_time()
    labels = predict(network, image, classes, window)
    seconds = process_time() - start - network.cpu_seconds
    return labels.numpy(), Cost(seconds, peak_mib() - before)


def _with_monai() -> Callable[[FreeNetwork, Tensor, int, SlidingWindow], Tensor]:
    from monai.inferers import SlidingWindowInferer

    @torch.inference_mode()
    def predict(network: FreeNetwork, image: Tensor, classes: int, window: SlidingWindow) -> Tensor:
        inferer = SlidingWindowInferer(window.size, window.at_once, window.overlap, window.weights)
        logits: Tensor = inferer(image[None], network)
        return logits[0, :classes].argmax(dim=0).to(torch.uint8)

    return predict
