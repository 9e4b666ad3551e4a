"""The losses of training steps: kept on the device, and looked at together.

Reading a value waits for all that the device has been asked to do before, so no step reads one. A loss that isn't
finite is found at the next look, with its step and subjects; whoever writes a checkpoint looks first.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from benchmark.training.processes import of_all_ranks, ranks

NAMES = ("train/loss", "train/dice_loss", "train/ce_loss")


class LossRecord:
    """Losses of the steps since the last look, and means of those before."""

    def __init__(self) -> None:
        self.latest: float | None = None
        """The mean of `train/loss` over all ranks and the steps that the last look found."""
        self._steps: list[int] = []
        self._losses: list[Tensor] = []
        self._subjects: list[Sequence[str]] = []
        self._seen: list[list[float]] = []

    def add(self, step: int, losses: Sequence[Tensor], subjects: Sequence[str]) -> None:
        """Keep the losses of a step, in the order of `NAMES`, and whose patches they are of."""
        self._steps.append(step)
        self._losses.append(torch.stack([loss.detach() for loss in losses]))
        self._subjects.append(subjects)

    def look(self) -> None:
        """Read what the steps since the last look have lost, on all ranks at once.

        Raises:
            FloatingPointError: If a loss isn't finite; on every rank.
        """
        if not self._steps:
            return
        losses = of_all_ranks(torch.stack(self._losses).float()).cpu()
        finite = losses.isfinite().all(dim=2)
        if not finite.all():
            self._refuse(losses, finite)
        means = losses.mean(dim=0)
        self.latest = float(means[:, 0].mean())
        self._seen += means.tolist()
        self._steps, self._losses, self._subjects = [], [], []

    def means(self) -> dict[str, float]:
        """The mean of every loss over what has been looked at since the last call, by its name; empty without any."""
        seen, self._seen = self._seen, []
        return {name: sum(losses) / len(seen) for name, losses in zip(NAMES, zip(*seen, strict=True), strict=False)}

    def _refuse(self, losses: Tensor, finite: Tensor) -> None:
        """Name the first step whose loss isn't finite, and the subjects of all ranks where it isn't."""
        index = int(finite.all(dim=0).int().argmin())
        rank = int(finite[:, index].int().argmin())
        subjects = dict.fromkeys(
            subject
            for bad, own in zip(~finite[:, index], _from_all_ranks(self._subjects[index]), strict=True)
            for subject in (own if bad else ())
        )
        step = self._steps[index]
        before = f"{step - 1} was the last finite step" if step else "it was the first step"
        raise FloatingPointError(
            f"The loss is {losses[rank, index, 0]} at step {step} on patches of {', '.join(subjects)}; {before}, and "
            "the last checkpoint is from before. Lower the learning rate, or look at these subjects."
        )


def _from_all_ranks(subjects: Sequence[str]) -> list[Sequence[str]]:
    if not dist.is_initialized():
        return [subjects]
    gathered: list[Sequence[str]] = [[] for _ in range(ranks())]
    dist.all_gather_object(gathered, subjects)
    return gathered
