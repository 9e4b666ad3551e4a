"""How whole subjects are labelled: in validation, in the test and in prediction alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.labelling.sliding_window import (
    Network,
    SlidingWindow,
    mirrored,
    probabilities,
    segment,
    segment_foreground,
)


@dataclass(frozen=True)
class Inference:
    """How a network labels a whole subject. The defaults are the paper's.

    Attributes:
        window: How the volume is covered.
        foreground: Whether windows cover only the box of all voxels above zero; the rest is background.
        mirror: Whether logits are averaged over the volume and its left-right mirror image, structures swapped.
    """

    window: SlidingWindow = SlidingWindow()  # noqa: RUF009  frozen
    foreground: bool = False
    mirror: bool = False

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Inference":
        """From its form in a checkpoint."""
        window = SlidingWindow(**{**entry["window"], "size": tuple(entry["window"]["size"])})
        return cls(window, entry["foreground"], entry["mirror"])

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def label_subject(network: Network, image: Tensor, partners: Sequence[int], inference: Inference) -> Tensor:
    """Label every voxel of one subject.

    Args:
        network: Maps `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.
        image: `[M, D, H, W]` in [0, 1], RAS.
        partners: Class index of each of the K classes' mirror structure, itself for structures of the midline.
        inference: How.

    Returns:
        Class indices, uint8 `[D, H, W]`.
    """
    if inference.mirror:
        network = mirrored(network, partners)
    covering = segment_foreground if inference.foreground else segment
    return covering(network, image, len(partners), inference.window)


def subject_probabilities(network: Network, image: Tensor, partners: Sequence[int], inference: Inference) -> Tensor:
    """How sure a network is of every voxel of one subject: softmax of its averaged logits, float16 `[K, D, H, W]`.

    The box of the foreground is no matter here: everything is covered.

    Args:
        network: As for `label_subject`.
        image: `[M, D, H, W]` in [0, 1], RAS.
        partners: As for `label_subject`.
        inference: How.
    """
    if inference.mirror:
        network = mirrored(network, partners)
    return probabilities(network, image, len(partners), inference.window)


def entropy(shares: Tensor) -> Tensor:
    """Entropy of probabilities `[K, D, H, W]` as a share of the largest possible: 0 is certain, 1 is any class alike.

    Summed class by class, as all of them in single precision would take twice the memory again.
    """
    total = torch.zeros(shares.shape[1:], device=shares.device)
    for share in shares:
        known = share.float()
        total -= torch.special.xlogy(known, known)
    return (total / math.log(len(shares))).clamp_(0, 1)
