"""One training step and one inference window of every network, beside its peer where it has one.

Ours and its peer, in every precision, take turns in one process, so that what else the machine does falls on all alike;
of several turns the quickest counts. Memory is measured in a process of its own. Rates are those of the network's
convolutions and matrix products, whatever form they are computed in, beside a product of two large matrices.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import nn

from benchmark.bench.activations import saved_bytes
from benchmark.bench.measuring import Begin, in_fresh_process, silently
from benchmark.bench.peers import PEERS, copy_weights, logits_of
from benchmark.bench.profile import Build, Sizes, count, watch_memory
from benchmark.bench.traffic import traffic_bytes
from benchmark.training.losses import dice_ce_loss
from models.parts.on_processors import suit_processors

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16}
MATRIX = 2048  # side of the matrices whose product is the peak
COPIED = 2**28  # bytes of the tensor whose copy is the bandwidth

Sides = Mapping[str, Build]


@dataclass(frozen=True)
class Place:
    """Where, how often and in what to measure.

    Attributes:
        device: Such as `cpu` or `cuda`.
        threads: Of the processor.
        repeats: Turns of which the quickest counts, after one that isn't counted.
        precisions: Names of `PRECISIONS`.
    """

    device: str = "cpu"
    threads: int = 1
    repeats: int = 3
    precisions: tuple[str, ...] = tuple(PRECISIONS)


@dataclass(frozen=True)
class Cost:
    """What one step or window takes.

    Attributes:
        seconds: By the clock, the quickest of all turns.
        cpu_seconds: Of all threads, in the turn that took fewest.
        added_gib: Most memory held beyond the network's own parameters; NaN where the system doesn't tell.
        saved_gib: What the forward pass keeps for the backward pass; None of a window, which keeps nothing.
        rate_gflops: Thousand millions of additions and multiplications a second.
        peak_share: That rate beside the product of two matrices in the same precision.
        flop_per_byte: Arithmetic intensity: additions and multiplications for each byte that operations read or write.
    """

    seconds: float
    cpu_seconds: float
    added_gib: float
    saved_gib: float | None
    rate_gflops: float
    peak_share: float
    flop_per_byte: float


@dataclass(frozen=True)
class Roofs:
    """What the machine can do: products of matrices by precision in GFLOP/s, and copying in GB/s, read and written."""

    gflops: dict[str, float]
    gb_per_second: float


def bench(
    networks: Mapping[str, Build],
    sizes: Sizes,
    place: Place = Place(),
    begin: Begin = silently,
) -> Iterator[dict[str, Any]]:
    """Measure networks, one after the other.

    Args:
        networks: What builds each, by name.
        sizes: Patch, modalities and classes; a batch is one patch.
        place: Where to measure.
        begin: Told the name of each network before it is measured.

    Yields:
        What is known after each network: "roofs", and under "cases" by network, work and precision "ours", and where
        there is a peer also "peer", "ratio" (peer / ours), "max_difference" of the logits in standard deviations and,
        where fp32 is measured, "speedup_of_fp32" (the peer's fp32 seconds / ours).
    """
    cases: dict[str, Any] = {}
    begin("this machine's peaks")
    roofs = in_fresh_process(_roofs, place)
    for name, build in networks.items():
        begin(name)
        sides = {"ours": build} | ({"peer": PEERS[name]} if name in PEERS else {})
        cases |= {f"{name}, {key}": case for key, case in _compare(sides, sizes, place, roofs).items()}
        yield {"roofs": asdict(roofs), "cases": dict(cases)}


def _compare(sides: Sides, sizes: Sizes, place: Place, roofs: Roofs) -> dict[str, Any]:
    """By work and precision: the costs of each side and what they have to do with each other."""
    flop = 2e9 * count(sides["ours"], sizes).gmac
    turns, difference = in_fresh_process(_take_turns, sides, sizes, place)
    costs: dict[str, dict[str, Cost]] = {side: _costs(side, sides, sizes, place, roofs, flop, turns) for side in sides}
    cases: dict[str, Any] = {}
    for key, ours in costs["ours"].items():
        cases[key] = {side: asdict(each[key]) for side, each in costs.items()}
        if "peer" in costs:
            ratio = _ratio(cases[key]["ours"], cases[key]["peer"])
            cases[key] |= {"ratio": ratio, "max_difference": difference}
            if baseline := costs["peer"].get(f"{key.split(', ')[0]}, fp32"):
                cases[key]["speedup_of_fp32"] = baseline.seconds / ours.seconds
    return cases


def _ratio(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> dict[str, float]:
    """How many times less ours takes, of each that both take some of."""
    measures = ("seconds", "cpu_seconds", "added_gib", "saved_gib")
    return {name: peer[name] / ours[name] for name in measures if ours[name] and peer[name]}


@dataclass(frozen=True)
class _Turn:
    seconds: float
    cpu_seconds: float


Turns = dict[tuple[str, str, str], _Turn]


def _costs(
    side: str, sides: Sides, sizes: Sizes, place: Place, roofs: Roofs, flop: float, turns: Turns
) -> dict[str, Cost]:
    """Of one side, by work and precision."""
    build, costs = sides[side], {}
    memory, network = in_fresh_process(_memory, build, sizes, place), _construct(build, sizes)
    for work, precision in product(WORKS, place.precisions):
        turn, (added, saved) = turns[side, work, precision], memory[work, precision]
        own = flop * PASSES[work]
        rate = own / turn.seconds / 1e9
        moved = traffic_bytes(network, partial(_run, sizes, work, precision))
        costs[f"{work}, {precision}"] = Cost(
            *(turn.seconds, turn.cpu_seconds, added, saved, rate, rate / roofs.gflops[precision], own / moved)
        )
    return costs


def _take_turns(sides: Sides, sizes: Sizes, place: Place) -> tuple[Turns, float | None]:
    """In a process of its own: the quickest turn of each side, work and precision, and the largest difference."""
    torch.set_num_threads(place.threads)
    networks = {side: _construct(build, sizes).to(place.device) for side, build in sides.items()}
    if "peer" in networks:
        copy_weights(networks["ours"], networks["peer"])
    inputs = _inputs(sizes, place.device)
    turns: dict[tuple[str, str, str], list[_Turn]] = {key: [] for key in product(networks, WORKS, place.precisions)}
    for _ in range(place.repeats + 1):
        for (side, work, precision), each in turns.items():
            each.append(_time(partial(WORKS[work], networks[side], *inputs, precision), place.device))
    return {key: _quickest_of(each[1:]) for key, each in turns.items()}, _difference(networks, sizes, place.device)


def _quickest_of(turns: Sequence[_Turn]) -> _Turn:
    return _Turn(min(turn.seconds for turn in turns), min(turn.cpu_seconds for turn in turns))


def _time(function: Callable[[], Any], device: str) -> _Turn:
    _synchronise(device)
    start, cpu_start = time.perf_counter(), time.process_time()
    function()
    _synchronise(device)
    return _Turn(time.perf_counter() - start, time.process_time() - cpu_start)


def _memory(build: Build, sizes: Sizes, place: Place) -> dict[tuple[str, str], tuple[float, float | None]]:
    """In a process of its own: GiB that a step or window adds, and GiB that its forward pass keeps."""
    torch.set_num_threads(place.threads)
    network, inputs = _construct(build, sizes).to(place.device), _inputs(sizes, place.device)
    found: dict[tuple[str, str], tuple[float, float | None]] = {}
    added = watch_memory(place.device)
    for work, precision in product(reversed(WORKS), reversed(place.precisions)):  # what takes least comes first
        WORKS[work](network, *inputs, precision)
        found[work, precision] = (added(), None)
        network.zero_grad()
    for precision in place.precisions:
        with _precision(place.device, precision):
            saved = saved_bytes(network.train(), lambda: logits_of(network(inputs[0])))
        found["step", precision] = (found["step", precision][0], saved / 2**30)
    return found


def _step(network: nn.Module, image: torch.Tensor, label: torch.Tensor, precision: str) -> None:
    network.train().zero_grad()
    with _precision(image.device.type, precision):
        logits = logits_of(network(image))
    dice_ce_loss(logits, label).backward()


def _window(network: nn.Module, image: torch.Tensor, label: torch.Tensor, precision: str) -> None:
    with torch.inference_mode(), _precision(image.device.type, precision):
        network.eval()(image)


WORKS: dict[str, Callable[..., None]] = {"step": _step, "window": _window}
PASSES = {"step": 3, "window": 1}  # a backward pass counts as two forward ones


def _run(sizes: Sizes, work: str, precision: str, network: nn.Module) -> None:
    WORKS[work](network, *_inputs(sizes, "cpu"), precision)


def _precision(device: str, precision: str) -> AbstractContextManager[Any]:
    dtype = PRECISIONS[precision]
    return torch.autocast(torch.device(device).type, dtype=dtype) if dtype else nullcontext()


def _inputs(sizes: Sizes, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.rand(1, sizes.in_channels, *sizes.patch, device=device)
    return image, torch.randint(sizes.out_channels, (1, *sizes.patch), device=device)


def _construct(build: Build, sizes: Sizes) -> nn.Module:
    network = build(sizes.in_channels, sizes.out_channels, patch_size=sizes.patch)
    suit_processors(network)  # as a training does
    return network


@torch.inference_mode()
def _difference(networks: Mapping[str, nn.Module], sizes: Sizes, device: str) -> float | None:
    """Largest difference of the logits in fp32, in standard deviations."""
    if "peer" not in networks:
        return None
    image, _ = _inputs(sizes, device)
    ours, peer = (logits_of(networks[side].eval()(image)) for side in ("ours", "peer"))
    return float((ours - peer).abs().max() / peer.std())


def _roofs(place: Place) -> Roofs:
    torch.set_num_threads(place.threads)
    rates = {}
    for precision in place.precisions:
        matrix = torch.rand(MATRIX, MATRIX, device=place.device, dtype=PRECISIONS[precision])
        product = partial(torch.mm, matrix, matrix)
        rates[precision] = 2 * MATRIX**3 / _quickest(product, place) / 1e9
    tensor = torch.zeros(COPIED // 4, device=place.device)
    copy = partial(torch.empty_like(tensor).copy_, tensor)
    return Roofs(rates, 2 * COPIED / _quickest(copy, place) / 1e9)


def _quickest(function: Callable[[], Any], place: Place) -> float:
    return min(_time(function, place.device).seconds for _ in range(5 * (place.repeats + 1)))


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
