"""Where the volumes of training subjects are read from: the store's maps, main memory, or a GPU's own memory."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from datamodules.patches.datasets import Volumes

Cache = Literal["auto", "memmap", "ram", "device"]

SHARE = 0.1
"""Of a GPU's memory that `auto` fills with volumes; the rest is for training."""


@dataclass(frozen=True)
class HeldVolumes(Volumes):
    """Volumes whose tensors are all in memory, of one device.

    Attributes:
        held: Image and label of every subject, in order.
    """

    held: tuple[tuple[Tensor, Tensor], ...]

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.held[0][1].device

    def open(self, position: int) -> tuple[Tensor, Tensor]:
        """All modalities `[M, X, Y, Z]` float16 and the label `[X, Y, Z]` of one subject."""
        return self.held[position]

    def label(self, position: int) -> Tensor:
        """The label `[X, Y, Z]` of one subject where the processor can look at it."""
        return self.held[position][1] if self.device.type == "cpu" else super().label(position)


def cached(volumes: Volumes, cache: Cache, device: torch.device) -> Volumes:
    """Hold volumes where asked for.

    Args:
        volumes: Those of the store.
        cache: `memmap` leaves them in the store, whose pages the system keeps and all processes share; `ram` copies
            them for this process, for a store on a slow disk; `device` holds them where the network is, so that
            patches are cut there; `auto` is `device` where that is a GPU and they fill little of it, else `memmap`.
        device: Where the network is.
    """
    if cache == "auto":
        cache = "device" if _fits(volumes, device) else "memmap"
    if cache == "memmap":
        return volumes
    place = device if cache == "device" else torch.device("cpu")
    opened = map(volumes.open, range(len(volumes)))
    held = tuple((image.to(place, copy=True), label.to(place, copy=True)) for image, label in opened)
    return HeldVolumes(volumes.cohort, volumes.subjects, volumes.channels, held)


def _fits(volumes: Volumes, device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    stored = [volumes.cohort.subjects[subject].volumes for subject in volumes.subjects]
    size = sum(files[kind].size for files in stored for kind in ("images", "label"))
    return size <= SHARE * torch.cuda.get_device_properties(device).total_memory
