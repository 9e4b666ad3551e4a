"""What a DataLoader hands out: training patches by their key, and whole subjects for validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.cohort.store import Cohort
from datamodules.files import digest
from datamodules.patches.augmentation import Augmentation
from datamodules.patches.cut import cut_patches, find_corner
from datamodules.patches.displace import displace
from datamodules.patches.draws import PatchKey, draw_patch
from datamodules.patches.misalignment import Displacement, Misalignment
from datamodules.patches.modalities import vary_modalities
from datamodules.patches.pet_noise import pet_noise


class Item(TypedDict):
    """One subject: `image` `[M, D, H, W]` float32 in [0, 1], `label` `[D, H, W]` uint8, its id."""

    image: Tensor
    label: Tensor
    subject: str


class Patches(TypedDict):
    """A batch: `image` `[B, M, D, H, W]` float32 in [0, 1], `label` `[B, D, H, W]` uint8, id of each one's subject."""

    image: Tensor
    label: Tensor
    subject: list[str]


@dataclass(frozen=True)
class Volumes:
    """The volumes of some subjects, as tensors that share the memory of the maps.

    Attributes:
        cohort: Where they lie.
        subjects: Which, in order.
        channels: Which modalities, as positions in the cohort's.
    """

    cohort: Cohort
    subjects: Sequence[str]
    channels: Sequence[int]

    def __len__(self) -> int:
        return len(self.subjects)

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return torch.device("cpu")

    @property
    def names(self) -> list[str]:
        """Of the modalities, in order."""
        return [self.cohort.modalities[channel] for channel in self.channels]

    def spacing_mm(self, position: int) -> tuple[float, float, float]:
        """Sides of one subject's stored voxels."""
        return self.cohort.subjects[self.subjects[position]].stored.spacing

    def open(self, position: int) -> tuple[Tensor, Tensor]:
        """All modalities `[M, X, Y, Z]` float16 and the label `[X, Y, Z]` of one subject."""
        subject = self.subjects[position]
        return torch.from_numpy(self.cohort.images(subject)), self.label(position)

    def label(self, position: int) -> Tensor:
        """The label `[X, Y, Z]` of one subject where the processor can look at it, wherever the volumes are."""
        return torch.from_numpy(self.cohort.label(self.subjects[position]))


@dataclass(frozen=True)
class PatchDataset(Dataset[Patches]):
    """Training patches, a batch at a time; a key `(epoch, index)` always gives the same patch."""

    volumes: Volumes
    patch_size: Sequence[int]
    patches_per_subject: int
    augmentation: Augmentation
    seed: int

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> Patches:
        """Cut the patches of some `(epoch, index)`."""
        draws = [
            draw_patch(PatchKey(self.seed, *key), len(self.volumes), self.augmentation, self.patches_per_subject)
            for key in keys
        ]
        images, labels = cut_patches(
            [self.volumes.open(draw.subject) for draw in draws],
            [find_corner(self.volumes.label(draw.subject), draw, self.patch_size) for draw in draws],
            draws,
            self.patch_size,
            self.volumes.cohort.protocol.partners,
        )
        if list(self.volumes.channels) != list(range(images.shape[1])):
            images = torch.stack([images[:, channel] for channel in self.volumes.channels], dim=1)
        for patch, draw in zip(images, draws, strict=True):
            vary_modalities(
                patch, draw.key, self.augmentation, self.volumes.names, self.volumes.spacing_mm(draw.subject)
            )
        return {"image": images, "label": labels, "subject": [self.volumes.subjects[draw.subject] for draw in draws]}


@dataclass(frozen=True)
class SubjectDataset(Dataset[Item]):
    """Whole subjects on their stored grid.

    Attributes:
        volumes: Theirs.
        missing: Channels that are set to 0.
        noise: Added to the PET, as a share of the brain's mean uptake.
        misaligned: How far the PET is displaced.
    """

    volumes: Volumes
    missing: Sequence[int] = ()
    noise: float = 0.0
    misaligned: Misalignment = Misalignment()  # noqa: RUF009  frozen

    def __len__(self) -> int:
        return len(self.volumes)

    def __getitem__(self, position: int) -> Item:
        """Read one subject."""
        image, label = self.volumes.open(position)
        subject = self.volumes.subjects[position]
        if self.noise:
            image = self._noisy(image.float(), label, subject)
        if self.misaligned:
            image = self._displaced(image.float(), position)
        chosen = image[list(self.volumes.channels)].float()
        chosen[list(self.missing)] = 0
        return {"image": chosen, "label": label, "subject": subject}

    def _noisy(self, image: Tensor, label: Tensor, subject: str) -> Tensor:
        """Add noise to the uptake, the same for every network: its seed is the subject's."""
        cohort = self.volumes.cohort
        channel = cohort.modalities.index("pet")
        low, high = cohort.subjects[subject].scaling["pet"]
        zero = low / (high - low)  # what the scaling subtracted, in units of the scaled image
        noisy = pet_noise(image[channel] + zero, self.noise, label > 0, seed=_seed(subject))
        image[channel] = (noisy - zero).clamp(0, 1)
        return image

    def _displaced(self, image: Tensor, position: int) -> Tensor:
        """Displace the PET, into the same direction for every network and of any size."""
        generator = np.random.default_rng(_seed(self.volumes.subjects[position]))
        channel = self.volumes.cohort.modalities.index("pet")
        displacement = Displacement.drawn(self.misaligned, generator)
        image[channel] = displace(image[channel], displacement, self.volumes.spacing_mm(position))
        return image


def _seed(subject: str) -> int:
    return int(digest(subject)[:8], 16)
