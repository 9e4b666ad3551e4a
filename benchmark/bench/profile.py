"""What a network costs: parameters and multiply-adds without running it, seconds and memory by running it.

A network is anything that builds one: `build(in_channels, out_channels, patch_size=...)`, so a class of
`models.NETWORKS`, or a `functools.partial` of it with other settings.
"""

import copy
import inspect
import math
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.bench.undrawn import Undrawn
from benchmark.training.losses import dice_ce_loss

Build = Callable[..., nn.Module]
_MEMORY = Path("/proc/self/status")  # on Linux; elsewhere the memory of a run on the CPU stays unknown


@dataclass(frozen=True)
class Sizes:
    """What goes into a network and what comes out.

    Attributes:
        patch: `[D, H, W]` in voxels.
        in_channels: Modalities.
        out_channels: Classes, background included.
    """

    patch: tuple[int, int, int]
    in_channels: int = 2
    out_channels: int = 45


@dataclass(frozen=True)
class Counts:
    """What is known of a network without running it.

    Attributes:
        parameters: Trainable numbers.
        gmac: Thousand millions of multiply-adds of one forward pass on one patch: convolutions and matrix products,
            attention included; normalisations, activations and other element-wise work are left out, as is usual.
    """

    parameters: int
    gmac: float


@dataclass(frozen=True)
class Measurements:
    """What one run of a network takes, for a batch of one patch in single precision.

    Attributes:
        forward_seconds: One forward pass without gradients, median.
        step_seconds: Forward pass, loss and backward pass, median.
        step_gib: Most memory held at once in training: weights, gradients, AdamW's state, activations and workspace.
            On the CPU the growth of the process, on a GPU what PyTorch had allocated.
    """

    forward_seconds: float
    step_seconds: float
    step_gib: float


_DID_NOT_FIT = Measurements(math.nan, math.nan, math.nan)


def profile(
    networks: Mapping[str, Build], sizes: Sizes, *, device: str | None = None, repeats: int = 3
) -> pd.DataFrame:
    """Profile networks: one row each, with the attributes of `Counts` and, given a device, of `Measurements`.

    Args:
        networks: What to profile, by name.
        sizes: The patch, the modalities and the classes.
        device: Where to run them, for example `cpu` or `cuda`; without one, nothing is run.
        repeats: Runs of which the median is taken, after one that is not counted.

    Raises:
        ValueError: If a network does not take the patch or the modalities.
    """
    rows = []
    for name, build in networks.items():
        row = {"network": name, **asdict(count(build, sizes))}
        if device is not None:
            row |= asdict(_measure_alone(build, sizes, device, repeats))
        rows.append(row)
    return pd.DataFrame(rows)


def count(build: Build, sizes: Sizes) -> Counts:
    """Count parameters and multiply-adds of what `build` builds."""
    with Undrawn():
        network = _construct(build, sizes)
    return count_network(network, sizes)


def count_network(network: nn.Module, sizes: Sizes) -> Counts:
    """Count on the meta device, where tensors have shapes and no values; the network itself stays where it is.

    Raises:
        NotImplementedError: If the network looks at values.
    """
    network = copy.deepcopy(network).to("meta")
    x = torch.empty(1, sizes.in_channels, *sizes.patch, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(x)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Counts(parameters, counter.get_total_flops() / 2e9)


def measure(build: Build, sizes: Sizes, device: str, repeats: int = 3) -> Measurements:
    """Run a network in this process, whose memory before counts as none; see `profile` for the arguments."""
    peak_gib = watch_memory(device)
    network = _construct(build, sizes).to(device)
    optimizer = torch.optim.AdamW(network.parameters())
    x = torch.rand(1, sizes.in_channels, *sizes.patch, device=device)
    label = torch.randint(sizes.out_channels, (1, *sizes.patch), device=device)

    def forward() -> None:
        with torch.no_grad():
            network(x)

    def step() -> None:
        network.zero_grad()
        dice_ce_loss(network(x), label).backward()

    network.eval()
    forward_seconds = median_seconds(forward, device, repeats)
    network.train()
    step()
    optimizer.step()  # its state is part of what training holds
    step_seconds = median_seconds(step, device, repeats)
    return Measurements(forward_seconds, step_seconds, peak_gib())


def median_seconds(run: Callable[[], None], device: str, repeats: int) -> float:
    """Seconds that `run` takes, after a run that isn't counted."""

    def seconds() -> float:
        start = time.perf_counter()
        run()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter() - start

    seconds()
    return statistics.median(seconds() for _ in range(repeats))


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The table for reading: rounded, with units in the headings and a dash for what is not known."""
    columns: dict[str, tuple[str, Callable[[float], str]]] = {
        "parameters": ("parameters", "{:,.0f}".format),
        "gmac": ("GMAC", "{:,.0f}".format),
        "forward_seconds": ("forward, s", "{:.2f}".format),
        "step_seconds": ("forward + backward, s", "{:.2f}".format),
        "step_gib": ("training memory, GiB", "{:.1f}".format),
    }
    text = table[["network"]].copy()
    for column in table.columns.intersection(list(columns)):
        heading, write = columns[column]
        text[heading] = ["-" if math.isnan(value) else write(value) for value in table[column]]
    return text


def _construct(build: Build, sizes: Sizes) -> nn.Module:
    """A network that takes the patch size is told it; one of a user's own may not."""
    told = {"patch_size": sizes.patch} if "patch_size" in inspect.signature(build).parameters else {}
    return build(sizes.in_channels, sizes.out_channels, **told)


def _measure_alone(build: Build, sizes: Sizes, device: str, repeats: int) -> Measurements:
    """Measure in a process of its own: no memory of the networks before, and none left to those after."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(measure, build, sizes, device, repeats).result()
        except (torch.OutOfMemoryError, BrokenProcessPool):
            return _DID_NOT_FIT


def watch_memory(device: str) -> Callable[[], float]:
    """Give a function that tells, in GiB, how far memory has risen since."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        allocated = torch.cuda.memory_allocated()
        return lambda: (torch.cuda.max_memory_allocated() - allocated) / 2**30
    before = _resident_gib("VmRSS")
    return lambda: _resident_gib("VmHWM") - before


def _resident_gib(field: str) -> float:
    if not _MEMORY.exists():
        return math.nan
    (kib,) = (line.split()[1] for line in _MEMORY.read_text().splitlines() if line.startswith(field))
    return int(kib) / 2**20
