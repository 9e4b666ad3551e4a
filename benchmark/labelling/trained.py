"""Trained networks from their checkpoints, alone or as an ensemble: all that labelling a new subject needs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.labelling.devices import feasible
from benchmark.labelling.sliding_window import Network, SlidingWindow, ensemble, in_precision
from benchmark.labelling.whole_subjects import Inference
from benchmark.trust import FAILURES, build_network
from datamodules.cohort.contract import Contract, differences
from datamodules.cohort.store import protocol_from_dict
from datamodules.labels.protocol import Protocol
from datamodules.petmr import DISPENSABLE, PREPARATION
from datamodules.volumes.settings import PrepareSettings

DATA = "PETMRDataModule"
SECTIONS = ("state_dict", "network", "inference", DATA)
"""What a checkpoint of `SegmentationTask` and `PETMRDataModule` holds."""
PREFIX = "network."
SHIPPED = {"quick": Path(__file__).parents[2] / "results" / "quick" / "quick.ckpt"}
"""Networks that come with the suite, for a first look at images."""
SPOKEN_FOR = ("scaling", "spacing", "tolerance", "protocol")
"""Settings of the preparation that the contract and the protocol say."""
HALVES = {"bf16": torch.bfloat16, "16": torch.float16}
"""Precisions in which a network runs under autocast; Lightning's names begin with them."""


@dataclass(frozen=True)
class Trained:
    """A network that is ready to label what is prepared as its training data were.

    Attributes:
        bare: Maps `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.
        modalities: What the M channels are.
        dispensable: Those that it can do without, as it was trained so; they are 0 then.
        protocol: What the K classes are.
        settings: How images are prepared, the voxel size of the training among it.
        contract: What the voxels of the training cohort are.
        inference: How whole subjects are labelled.
        precision: In which the network runs: `32`, `bf16` or `16`; that of its training, if the device computes in it.
    """

    bare: Network
    modalities: tuple[str, ...]
    dispensable: tuple[str, ...]
    protocol: Protocol
    settings: PrepareSettings
    contract: Contract
    inference: Inference
    precision: str

    @property
    def network(self) -> Network:
        """The network in its precision."""
        return in_precision(self.bare, HALVES[self.precision]) if self.precision in HALVES else self.bare

    @property
    def known_modalities(self) -> tuple[str, ...]:
        """All images of the cohort that it was trained on, in order."""
        return tuple(self.contract.modalities)

    def adjusted(self, precision: str | None = None, **options: Any) -> "Trained":
        """The same in another precision, or with other settings of `Inference` and its window."""
        window = {name: options.pop(name) for name in list(options) if name in SlidingWindow.__dataclass_fields__}
        inference = replace(self.inference, window=replace(self.inference.window, **window), **options)
        return replace(self, precision=precision or self.precision, inference=inference)


def load_trained(path: Path, device: str = "cpu", trusted: Collection[str] = ()) -> Trained:
    """Build the network of a checkpoint again.

    Args:
        path: The checkpoint, or a name in `SHIPPED`.
        device: Where the network will be.
        trusted: Class paths of networks, besides this suite's, whose code may run.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, could run code, is none of this suite, or of a network that nobody trusts.
    """
    checkpoint = read_checkpoint(path)
    try:
        return _trained(checkpoint, device, trusted)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    except FAILURES as error:  # as someone else may have written anything
        kind = type(error).__name__
        raise ValueError(
            f"{path}: its entries aren't those of a checkpoint of this suite ({kind}: {error})."
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint that has all that `load_trained` asks for.

    Args:
        path: The checkpoint, or a name in `SHIPPED`; a file of that name comes first.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, could run code, or is none of this suite.
    """
    place = path if path.is_file() else SHIPPED.get(str(path), path)
    checkpoint = SafeCheckpointIO().load_checkpoint(place)
    held = checkpoint if isinstance(checkpoint, dict) else {}
    missing = [name for name in SECTIONS if not isinstance(held.get(name), dict)]
    if missing or PREPARATION not in checkpoint[DATA]:
        raise ValueError(
            f"{path}: is no checkpoint of this suite (no {', '.join(missing) or PREPARATION}); "
            "expected one that `petmr run` or `petmr fit` has written, such as checkpoints/best.ckpt."
        )
    return checkpoint


def is_quick(path: Path) -> bool:
    """Whether a network is one of those that come with the suite, for a first look."""
    return not path.is_file() and str(path) in SHIPPED


def _trained(checkpoint: Mapping[str, Any], device: str, trusted: Collection[str]) -> Trained:
    weights = {name.removeprefix(PREFIX): value for name, value in checkpoint["state_dict"].items()}
    network = build_network(checkpoint["network"], weights, trusted)
    data = checkpoint[DATA]
    modalities, protocol = tuple(data["modalities"]), protocol_from_dict(data[PREPARATION]["protocol"])
    channels = {"in_channels": len(modalities), "out_channels": protocol.num_classes}
    if not channels.items() <= checkpoint["network"]["init_args"].items():
        raise ValueError(f"its network isn't built for its own data: expected {channels}.")
    return Trained(
        bare=network.to(device).eval().requires_grad_(False),
        modalities=modalities,
        dispensable=tuple(data.get(DISPENSABLE, ())),  # which older checkpoints don't say
        protocol=protocol,
        settings=PrepareSettings.from_dict(data[PREPARATION]["settings"]),
        contract=Contract.from_dict(data[PREPARATION]["contract"]),
        inference=Inference.from_dict(checkpoint["inference"]),
        precision=feasible(_short(checkpoint.get("precision", "32-true")), device),
    )


def load_ensemble(paths: Sequence[Path], device: str = "cpu", trusted: Collection[str] = ()) -> Trained:
    """Average the logits of the networks of several checkpoints, such as those of the folds.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: As `load_trained`; or if two of them read or tell apart something else.
    """
    members = [load_trained(path, device, trusted) for path in paths]
    for path, member in zip(paths[1:], members[1:], strict=True):
        _check_alike(paths[0], members[0], path, member)
    first = members[0]
    if len(members) == 1:
        return first
    return replace(first, bare=ensemble([member.bare for member in members]))


def _short(precision: str) -> str:
    """Of Lightning's names, such as `bf16-mixed`; whatever isn't halved runs in 32 bits."""
    first = precision.partition("-")[0]
    return first if first in HALVES else "32"


def _check_alike(path: Path, one: Trained, other_path: Path, other: Trained) -> None:
    labels, others = one.protocol.labels, other.protocol.labels
    differing = differences(one.contract.seen(one.modalities), labels, other.contract.seen(other.modalities), others)
    mine, its = _settings(one), _settings(other)
    if one.dispensable != other.dispensable:
        differing.append(f"{_words(one.dispensable)} may be missing against {_words(other.dispensable)}")
    differing += [f"{name} {value} against {its[name]}" for name, value in mine.items() if value != its[name]]
    if differing:
        raise ValueError(f"{path} and {other_path} can't be averaged: {'; '.join(differing)}.")


def _words(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _settings(trained: Trained) -> dict[str, Any]:
    """How a network's subjects are prepared and labelled, less what contract and protocol say already."""
    inference = {**trained.inference.to_dict(), "precision": trained.precision}
    window = inference.pop("window")
    labelling = {f"inference {name}": value for name, value in {**inference, **window}.items()}
    preparation = trained.settings.describe(trained.known_modalities)
    return {**{name: preparation[name] for name in preparation if name not in SPOKEN_FOR}, **labelling}
