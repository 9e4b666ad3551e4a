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
        output: File to write; its weights are rounded to float16.

    Returns:
        How many bytes it has.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it isn't one of this suite, or a weight is too large for half precision.
    """
    held = read_checkpoint(checkpoint)
    weights = {name: _halved(name, weight, checkpoint) for name, weight in held["state_dict"].items()}
    kept = {key: held[key] for key in KEPT if key in held} | {"state_dict": weights}
    output.parent.mkdir(parents=True, exist_ok=True)
    SafeCheckpointIO().save_checkpoint(kept, output)
    return output.stat().st_size


def _halved(name: str, weight: Tensor, checkpoint: Path) -> Tensor:
    if not weight.is_floating_point():
        return weight
    halved = weight.half()
    if not halved.isfinite().all():
        raise ValueError(f"{checkpoint}: {name} reaches {weight.abs().max():g}; half precision ends at 65504.")
    return halved
