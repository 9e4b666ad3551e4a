"""Which patches and subjects a process sees, and when: the same for any number of ranks and workers."""

import math
from collections.abc import Iterator

from torch.utils.data import Sampler

from datamodules.patches.shares import share


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields `(epoch, index)` of the training patches of one rank.

    Step t of a run with B patches a step takes the indices t * B to (t + 1) * B - 1, which the ranks share out in
    order: any number of ranks sees the same steps. An epoch that does not divide into whole steps goes on with the
    indices that follow, which continue the order of the subjects.

    Lightning calls `set_epoch` at the start of every epoch, yet not before the first one after a resume
    (Lightning issue 21938): `first_epoch` says which that is.
    """

    def __init__(
        self, epoch_length: int, batch: int, *, rank: int = 0, world_size: int = 1, first_epoch: int = 0
    ) -> None:
        """Set the shares.

        Args:
            epoch_length: Patches in an epoch, over all ranks.
            batch: Patches of a step, over all ranks.
            rank: Of this process.
            world_size: Number of ranks.
            first_epoch: Which epoch the first iteration belongs to.

        Raises:
            ValueError: If the epoch or the batch is empty, the rank is not among the ranks, or they can't share a step.
        """
        if epoch_length < 1 or batch < 1:
            raise ValueError(f"An epoch and a batch hold at least one patch, got {epoch_length} and {batch}.")
        _check_rank(rank, world_size)
        self.share = share(batch, world_size)
        self.steps = math.ceil(epoch_length / batch)
        self.batch = batch
        self.rank = rank
        self.epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the iterations that follow."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.steps * self.share

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch = self.epoch
        for step in range(self.steps):
            first = step * self.batch + self.rank * self.share
            for index in range(first, first + self.share):
                yield epoch, index


class EvaluationSampler(Sampler[int]):
    """Yields the subjects of one rank: over all ranks every subject exactly once, none repeated to even the shares.

    Its length is that of the largest share. Lightning leaves a rank out of validation that announces no subject, and
    the others would wait for it when they add up their scores; a share that ends early is no trouble.
    """

    def __init__(self, subjects: int, *, rank: int = 0, world_size: int = 1) -> None:
        _check_rank(rank, world_size)
        self.positions = range(rank, subjects, world_size)
        self.steps = math.ceil(subjects / world_size)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[int]:
        return iter(self.positions)


def _check_rank(rank: int, world_size: int) -> None:
    if not 0 <= rank < world_size:
        raise ValueError(f"Ranks of {world_size} processes are 0 to {world_size - 1}, got {rank}.")
