"""Checkpoints that are whole or not there, and that can't run code when they are read."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.fabric.utilities.types import _PATH
from lightning.pytorch.callbacks import ModelCheckpoint

from datamodules.files import atomic_path

PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")
"""Of the state of `ModelCheckpoint`."""

OPTIMIZER = "optimizer_states"
"""Key of a checkpoint."""


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes beside the place, flushes, renames; reads tensors and plain values only.

    Lightning's own goes through the system's temporary folder, and a rename across devices isn't atomic; it also reads
    any pickle where the caller doesn't say otherwise.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """Write a checkpoint to a local path.

        Raises:
            OSError: If there is no room for it.
        """
        with atomic_path(Path(path)) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:  # torch's own words for a write that fell short
                free = shutil.disk_usage(temporary.parent).free / 2**30
                raise OSError(f"{path}: can't be written, {free:.1f} GiB are free there ({error}).") from error

    def load_checkpoint(
        self, path: _PATH, map_location: Callable[..., Any] | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint from a path or an address.

        Raises:
            ValueError: If it is truncated, or holds anything but tensors and plain values.
        """
        try:
            return super().load_checkpoint(path, map_location or _as_saved, weights_only=True)
        except (FileNotFoundError, PermissionError):
            raise
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"{path}: is no checkpoint that can be read: it is damaged, or holds more than tensors and plain "
                f"values, which is refused because it could run code ({first})."
            ) from error


def drop_optimizer(path: Path) -> None:
    """Take the optimizer's state, two thirds of a checkpoint, from one that is no longer trained on."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if checkpoint.pop(OPTIMIZER, None) is not None:
        SafeCheckpointIO().save_checkpoint(checkpoint, path)


def _as_saved(storage: Any, location: str) -> Any:
    return storage  # which is on the CPU until something moves it


class BestAndLast(ModelCheckpoint):
    """Keeps `best.ckpt` by validation Dice and `last.ckpt` of the last finished epoch."""

    def __init__(self, dirpath: str) -> None:
        """Keep them in `dirpath`, which may have another name when training goes on."""
        super().__init__(
            dirpath=dirpath,
            filename="best",
            monitor="val/dice",
            mode="max",
            save_last=True,
            save_on_train_epoch_end=True,
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )
        self._validated_at = -1

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember when a network was validated: an epoch without it can't be the best."""
        super().on_validation_end(trainer, pl_module)
        self._validated_at = trainer.global_step

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep `last.ckpt` of every epoch; Lightning writes it only where the epoch was the best so far."""
        if self._validated_at == trainer.global_step:
            super().on_train_epoch_end(trainer, pl_module)
        if not self._should_skip_saving_checkpoint(trainer):  # as it is where that was just done
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what was best; Lightning would forget it if the folder had moved."""
        kept = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        paths = {name: self._here(state_dict[name]) for name in PATHS if state_dict[name]}
        super().load_state_dict({**state_dict, **paths, "best_k_models": kept, "dirpath": self.dirpath})

    def _here(self, path: str) -> str:
        return str(Path(str(self.dirpath)) / Path(path).name)
