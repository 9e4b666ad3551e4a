"""A trained network to give away: its checkpoint without what only training needs, in half precision."""

from pathlib import Path

from torch import Tensor

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.labelling.trained import SECTIONS, read_checkpoint

KEPT = (*SECTIONS, "precision")


def shrink(checkpoint: Path, output: Path) -> int:
    """Write a checkpoint that `petmr predict` reads, and nothing else does.

    Args:
        checkpoint: Of a run.
        output: File to write; its weights are rounded to float16, but for tensors that go beyond 65504.

    Returns:
        How many bytes it has.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it isn't one of this suite.
    """
    held = read_checkpoint(checkpoint)
    weights = {name: _halved(weight) for name, weight in held["state_dict"].items()}
    kept = {key: held[key] for key in KEPT if key in held} | {"state_dict": weights}
    output.parent.mkdir(parents=True, exist_ok=True)
    SafeCheckpointIO().save_checkpoint(kept, output)
    return output.stat().st_size


def _halved(weight: Tensor) -> Tensor:
    """In half precision where that holds it: variances of a batch norm may be larger than its largest number."""
    halved = weight.half() if weight.is_floating_point() else weight
    return halved if halved.isfinite().all() else weight
