"""How whole subjects are labelled: in validation, in the test and in prediction alike."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from benchmark.labelling.sliding_window import Network, SlidingWindow, mirrored, segment, segment_foreground


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
