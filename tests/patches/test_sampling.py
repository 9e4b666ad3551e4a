from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from datamodules.patches.augmentation import Augmentation
from datamodules.patches.cut import cut_patch
from datamodules.patches.draws import PatchKey, draw_patch
from datamodules.patches.sampling import EpochSampler, EvaluationSampler


class Patches(Dataset):
    """Two tiny subjects, cut as in training."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.images = torch.rand((3, 2, 12, 12, 12), generator=generator)
        self.labels = torch.randint(0, 3, (3, 12, 12, 12), generator=generator, dtype=torch.uint8)

    def __getitem__(self, key: tuple[int, int]) -> str:
        draw = draw_patch(PatchKey(7, *key), len(self.images), Augmentation())
        image, label = cut_patch(self.images[draw.subject], self.labels[draw.subject], draw, (6, 6, 6))
        return f"{image.double().sum():.6f} {label.sum()}"


def steps_of(world_size: int, *, workers: int = 0, epoch: int = 0, first_epoch: int = 0) -> list[Counter]:
    """Patches of every step of one epoch, eight over all ranks."""
    ranks = []
    for rank in range(world_size):
        sampler = EpochSampler(22, 8, rank=rank, world_size=world_size, first_epoch=first_epoch)
        if not first_epoch:
            sampler.set_epoch(epoch)
        ranks.append(list(DataLoader(Patches(), batch_size=sampler.share, sampler=sampler, num_workers=workers)))
    return [Counter(patch for batch in step for patch in batch) for step in zip(*ranks, strict=True)]


@pytest.mark.parametrize(("world_size", "workers"), [(1, 0), (1, 1), (1, 2), (2, 0), (4, 1), (8, 0)])
def test_every_step_has_the_same_patches_for_any_workers_and_ranks(world_size, workers):
    expected = steps_of(1)
    assert len(expected) == 3
    assert steps_of(world_size, workers=workers) == expected
    assert sum(expected, Counter()).most_common(1)[0][1] == 1


def test_resuming_at_an_epoch_gives_that_epochs_patches():
    assert steps_of(1, first_epoch=4) == steps_of(1, epoch=4)
    assert steps_of(1, epoch=4) != steps_of(1, epoch=0)


@given(length=st.integers(1, 40), each=st.integers(1, 4), world_size=st.integers(1, 5))
def test_ranks_share_the_indices_from_zero_on_evenly_and_without_gaps(length, each, world_size):
    batch = each * world_size
    samplers = [EpochSampler(length, batch, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert len({len(sampler) for sampler in samplers}) == 1
    indices = sorted(index for sampler in samplers for _, index in sampler)
    assert indices == list(range(len(indices)))
    assert length <= len(indices) < length + batch
    assert all(len(list(sampler)) == len(sampler) for sampler in samplers)


@pytest.mark.parametrize(("batch", "world_size", "choices"), [(2, 4, "1 or 2"), (8, 3, "1, 2, 4 or 8"), (1, 2, "1")])
def test_a_step_that_ranks_cannot_share_is_refused_with_the_choices(batch, world_size, choices):
    with pytest.raises(
        ValueError, match=f"^The {batch} patch.* by {world_size} processes: train with {choices} of them"
    ):
        EpochSampler(8, batch, world_size=world_size)


@given(subjects=st.integers(0, 30), world_size=st.integers(1, 5))
def test_evaluation_sees_every_subject_exactly_once(subjects, world_size):
    samplers = [EvaluationSampler(subjects, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert sorted(subject for sampler in samplers for subject in sampler) == list(range(subjects))
    assert {len(sampler) for sampler in samplers} == {max(len(list(sampler)) for sampler in samplers)}


@pytest.mark.parametrize("arguments", [(0, 2, 0, 1), (4, 0, 0, 1), (4, 2, 1, 1), (4, 2, -1, 2)])
def test_impossible_shares_are_refused(arguments):
    length, batch, rank, world_size = arguments
    with pytest.raises(ValueError, match="got"):
        EpochSampler(length, batch, rank=rank, world_size=world_size)
