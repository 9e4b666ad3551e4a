"""PETMRDataModule: one fold of a prepared cohort, the same for every network."""

import logging
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loops.progress import _ProcessedTracker as ProcessedTracker
from lightning.pytorch.trainer.states import TrainerFn
from torch.utils.data import DataLoader

from datamodules.cohort.contract import Contract, differences, prepare_command, protocol_words
from datamodules.cohort.leakage import refuse_leakage, traces
from datamodules.cohort.splits import Fold, load_splits
from datamodules.cohort.store import open_cohort
from datamodules.cohort.verify import verify_volumes
from datamodules.patches.augmentation import Augmentation
from datamodules.patches.caching import Cache, cached
from datamodules.patches.datasets import Item, PatchDataset, Patches, SubjectDataset, Volumes
from datamodules.patches.misalignment import Misalignment
from datamodules.patches.pet_noise import noise_share
from datamodules.patches.sampling import EpochSampler, EvaluationSampler
from datamodules.patches.validation import Validation

INPUT = "input"
"""What must be as in training for a network to make sense of a cohort; in `PETMRDataModule.state_dict`."""

PREPARATION = "preparation"
"""What prediction needs to prepare images alike; in `PETMRDataModule.state_dict`, where the fingerprint covers it."""

DISPENSABLE = "dispensable"
"""Modalities that a network can do without, as it was trained so; in `PETMRDataModule.state_dict`."""

LEARNED = "learned"
"""By whom a network was trained and chosen; in `PETMRDataModule.state_dict`."""


logger = logging.getLogger(__name__)


class PETMRDataModule(L.LightningDataModule):
    """Training patches, and whole validation and test subjects, of one fold."""

    def __init__(
        self,
        cohort: str,
        fold: int = 0,
        folds: int = 5,
        split_seed: int = 0,
        modalities: list[str] | None = None,
        missing: list[str] | None = None,
        noise: str | float = "none",
        misaligned: Misalignment = Misalignment(),  # noqa: B008  frozen
        strangers: bool = False,
        patch_size: tuple[int, int, int] = (96, 96, 96),
        patches_per_subject: int = 2,
        batch_size: int = 2,
        epoch_length: int | None = None,
        validation: Validation = Validation(),  # noqa: B008  frozen
        augmentation: Augmentation = Augmentation(),  # noqa: B008  frozen
        workers: int = 0,
        cache: Cache = "auto",
        seed: int = 0,
    ) -> None:
        """Open a cohort.

        Args:
            cohort: Folder of a prepared cohort.
            fold: Which fold is tested, from 0.
            folds: How many folds the cohort is divided into.
            split_seed: Of that division; the first use draws and saves it, every later one reads it.
            modalities: Those that the network sees, in this order; all of the cohort where not given.
            missing: Modalities set to 0 in the test subjects.
            noise: Added to the PET of the test subjects: a level of `patches.pet_noise`, or a share of uptake.
            misaligned: How far the PET of the test subjects is displaced.
            strangers: Whether groups that are called as in a checkpoint's training are other people in the test.
            patch_size: Of training patches, `[D, H, W]` in voxels.
            patches_per_subject: Patches cut from a subject in a row.
            batch_size: Patches of a step, over all ranks.
            epoch_length: Patches of an epoch over all ranks; where not given, every training subject is visited once.
            validation: On how many subjects a network is validated, and how often.
            augmentation: How patches are varied.
            workers: Processes that cut patches.
            cache: Where training volumes are kept: `memmap`, `ram`, `device` (without workers), or chosen by size.
            seed: Of all random draws.

        Raises:
            FileNotFoundError: If there is no prepared cohort.
            ValueError: If the fold, a modality or the level of noise doesn't exist, or workers would need the device.
        """
        super().__init__()
        self.cohort = open_cohort(Path(cohort))
        if not 0 <= fold < folds:
            raise ValueError(f"There is no fold {fold}: {folds} folds are numbered 0 to {folds - 1}.")
        self.fold, self.folds, self.split_seed = fold, folds, split_seed
        self.modalities = tuple(modalities or self.cohort.modalities)
        self.channels = _positions(self.modalities, self.cohort.modalities, "the cohort")
        self.missing = _positions(tuple(missing or ()), self.modalities, "the network's input")
        self.noise, self.misaligned, self.strangers = noise_share(noise), misaligned, strangers
        _positions(tuple(augmentation.modality_dropout), self.modalities, "the network's input")
        if cache == "device" and workers:
            raise ValueError(
                f"Patches are cut on the device by this process: cache 'device' needs 0 workers, not {workers}."
            )
        self.cache: Cache = "memmap" if cache == "auto" and workers else cache
        self.patch_size = tuple(patch_size)
        self.patches_per_subject, self.batch_size, self.epoch_length = patches_per_subject, batch_size, epoch_length
        self.validation, self.augmentation, self.workers, self.seed = validation, augmentation, workers, seed
        self.predicted: Collection[str] = ()
        """Test subjects that an interrupted test has behind it."""

    @property
    def in_channels(self) -> int:
        """How many modalities the network sees."""
        return len(self.modalities)

    @property
    def out_channels(self) -> int:
        """How many classes, background included."""
        return self.cohort.protocol.num_classes

    @property
    def structures(self) -> list[str]:
        """Names of the classes."""
        return list(self.cohort.protocol.names)

    @property
    def partners(self) -> list[int]:
        """Class index of each class's mirror structure."""
        return list(self.cohort.protocol.partners)

    def prepare_data(self) -> None:
        """Draw and save the folds where that hasn't been done, and verify the store, in one process only.

        Raises:
            ValueError: If a stored volume is corrupt.
        """
        verify_volumes(self.cohort)
        load_splits(self.cohort, self.folds, self.split_seed)

    def setup(self, stage: str) -> None:
        """Read the folds, and have the trainer validate as often as asked, or once at the end."""
        self.splits = load_splits(self.cohort, self.folds, self.split_seed)
        if stage == TrainerFn.FITTING and self.trainer and self.validation.every:
            bounds = [self.epochs_to_validation, self.trainer.max_epochs or 0]
            self.trainer.check_val_every_n_epoch = min(bound for bound in bounds if bound > 0)

    @property
    def parts(self) -> Fold:
        """The subjects of this fold's parts."""
        return self.splits.folds[self.fold]

    @property
    def validated(self) -> tuple[str, ...]:
        """The validation subjects that are drawn."""
        return self.validation.draw(self.parts.validation, self.seed)

    @property
    def patches_per_epoch(self) -> int:
        """Over all ranks."""
        return self.epoch_length or len(self.parts.train) * self.patches_per_subject

    @property
    def epochs_to_validation(self) -> int:
        """From one validation to the next."""
        return self.validation.epochs(math.ceil(self.patches_per_epoch / self.batch_size))

    def train_dataloader(self) -> DataLoader[Patches]:
        """Patches; which ones follows from seed, epoch and position alone."""
        volumes = cached(self._volumes(self.parts.train), self.cache, self._device)
        dataset = PatchDataset(volumes, self.patch_size, self.patches_per_subject, self.augmentation, self.seed)
        sampler = EpochSampler(
            self.patches_per_epoch,
            self.batch_size,
            rank=self._rank,
            world_size=self._world_size,
            first_epoch=self._first_epoch(),
        )
        travels = self._device.type == "cuda" and volumes.device.type == "cpu"  # pinned, it need not be waited for
        return DataLoader(
            dataset,
            sampler.share,
            sampler=sampler,
            collate_fn=_as_cut,
            pin_memory=travels,
            **self._processes(),
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """Whole validation subjects."""
        return self._subjects(SubjectDataset(self._volumes(self.validated)))

    def test_dataloader(self) -> DataLoader[Item]:
        """Whole test subjects, those that are predicted already left out."""
        left = [subject for subject in self.parts.test if subject not in self.predicted]
        return self._subjects(SubjectDataset(self._volumes(left), self.missing, self.noise, self.misaligned))

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint remembers of its data; see `load_state_dict`."""
        contract = self.cohort.contract.seen(self.modalities)
        seen = {"contract": contract.to_dict(), "labels": list(self.cohort.protocol.labels)}
        learned = traces(self.cohort, (*self.parts.train, *self.parts.validation))
        dispensable = [name for name in self.modalities if self.augmentation.modality_dropout.get(name)]
        return {
            **self._identity(),
            INPUT: seen,
            PREPARATION: self.cohort.preparation,
            DISPENSABLE: dispensable,
            LEARNED: learned,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuse to train on with other data, or to test a network on what it can't read or has learned from.

        Raises:
            ValueError: Naming what differs, and how a cohort is prepared that doesn't.
        """
        stage = self.trainer.state.fn if self.trainer else TrainerFn.FITTING
        if stage == TrainerFn.FITTING:
            now = self._identity()
            others = [f"{key} {state_dict[key]} against {now[key]}" for key in now if state_dict[key] != now[key]]
            self._refuse_unlike(state_dict, others)
        elif stage == TrainerFn.TESTING:
            self.refuse_test(state_dict)
        else:
            self._refuse_unlike(state_dict)

    def refuse_test(self, state_dict: dict[str, Any]) -> None:
        """Go on only where a network can read this cohort and hasn't learned from its test subjects.

        Args:
            state_dict: What the network's checkpoint remembers of its data.

        Raises:
            ValueError: Naming what differs, and how a cohort is prepared that doesn't, or whom it has learned from.
        """
        self._refuse_unlike(state_dict)
        tested = traces(self.cohort, self.parts.test)
        refuse_leakage(state_dict[LEARNED], tested, str(self.cohort.path), strangers=self.strangers)

    def _refuse_unlike(self, state_dict: dict[str, Any], others: Sequence[str] = ()) -> None:
        then, labels = Contract.from_dict(state_dict[INPUT]["contract"]), state_dict[INPUT]["labels"]
        mine = self.cohort.contract.seen(self.modalities)
        differing = differences(then, labels, mine, self.cohort.protocol.labels)
        remedy = f" Prepare it alike: {self._prepare_command(then, state_dict[PREPARATION])}" if differing else ""
        if differing or others:
            listed = "; ".join([*differing, *others])
            raise ValueError(f"{self.cohort.path}: isn't what the network was trained on: {listed}.{remedy}")
        if exceeded := then.exceeded_by(mine.view):
            logger.warning("%s: %s", self.cohort.path, exceeded)

    def _prepare_command(self, contract: Contract, preparation: dict[str, Any]) -> str:
        protocol = protocol_words(preparation["protocol"]["name"], preparation["settings"]["protocol"])
        return prepare_command(self.cohort.origin, f"{self.cohort.path}-as-trained", contract, protocol)

    def _identity(self) -> dict[str, Any]:
        return {
            "cohort": self.cohort.fingerprint,
            "splits": self.splits.fingerprint,
            "fold": self.fold,
            "modalities": list(self.modalities),
            "protocol": self.cohort.protocol.name,
            "patch_size": list(self.patch_size),
        }

    def _volumes(self, subjects: Sequence[str]) -> Volumes:
        return Volumes(self.cohort, subjects, self.channels)

    def _subjects(self, dataset: SubjectDataset) -> DataLoader[Item]:
        sampler = EvaluationSampler(len(dataset), rank=self._rank, world_size=self._world_size)
        return DataLoader(dataset, batch_size=1, sampler=sampler, **self._processes())

    def _processes(self) -> dict[str, Any]:
        return {"num_workers": self.workers, "persistent_workers": self.workers > 0}

    def _first_epoch(self) -> int:
        # The epoch that a resumed fit starts with: Lightning tells samplers only from the second on (issue 21938).
        progress = self.trainer.fit_loop.epoch_progress.current if self.trainer else None
        return progress.processed if isinstance(progress, ProcessedTracker) else 0

    @property
    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer else 0

    @property
    def _world_size(self) -> int:
        return self.trainer.world_size if self.trainer else 1


def _as_cut(batch: Any) -> Any:
    """What the dataset has made a batch of already."""
    return batch


def _positions(names: Sequence[str], known: Sequence[str], where: str) -> list[int]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"Modality {', '.join(unknown)} isn't in {where}, which has {', '.join(known)}.")
    return [known.index(name) for name in names]
