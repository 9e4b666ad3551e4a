"""Checkpoints that are whole or not there, and that can't run code when they are read."""

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.fabric.utilities.types import _PATH
from lightning.pytorch.callbacks import ModelCheckpoint

from benchmark.content_hash import check_hash, hashed_archive
from datamodules.files import atomic_path

SUFFIX = ".ckpt"
PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")
"""Of the state of `ModelCheckpoint`."""

DAMAGES = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What PyTorch's reader ends in where a file isn't what it should be."""

BEGINNING = b"PK\x03\x04"
"""Of an archive: PyTorch reads what begins otherwise by the pickles of its oldest format, whatever its end says."""

OPTIMIZER = "optimizer_states"
"""Key of a checkpoint."""


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes beside the place, flushes, renames; reads tensors and plain values only, and every bit as it was written.

    Lightning's own goes through the system's temporary folder, and a rename across devices isn't atomic; it also reads
    any pickle where the caller doesn't say otherwise.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """Write a checkpoint to a local path.

        Raises:
            OSError: If there is no room for it.
        """
        with atomic_path(Path(path)) as temporary, hashed_archive(temporary) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:
                if isinstance(error.__context__, OSError):  # which torch hides behind words of its own
                    raise error.__context__ from error
                raise

    def load_checkpoint(
        self, path: _PATH, map_location: Callable[..., Any] | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint of this machine.

        Raises:
            FileNotFoundError: If there is none; nothing is fetched from an address.
            ValueError: If it is damaged, or holds anything but tensors and plain values.
        """
        if not Path(path).is_file():
            hint = " Fetch it first: nothing is read from an address." if "://" in str(path) else ""
            raise FileNotFoundError(f"{path}: there is no such checkpoint.{hint}")
        try:
            check_hash(Path(path))
        except ValueError as error:
            raise ValueError(f"{path}: is no checkpoint that can be read: {error}.") from error
        try:
            _check_archive(Path(path))
            loaded = super().load_checkpoint(path, map_location or _as_saved, weights_only=True)
        except PermissionError:
            raise
        except DAMAGES as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"{path}: is no checkpoint that can be read: it holds more than tensors and plain values, which is "
                f"refused because it could run code ({first})."
            ) from error
        return loaded

    def remove_checkpoint(self, path: _PATH) -> None:
        """Remove a checkpoint that a better one has replaced, and nothing else.

        Which one that is may stand in a checkpoint of someone else, and Lightning would remove whole folders.
        """
        if Path(path).suffix == SUFFIX and Path(path).is_file():
            Path(path).unlink()


def _check_archive(path: Path) -> None:
    """Refuse what is no archive, or one with packed entries, as a few bytes may unpack to more than any memory."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        file.seek(0)
        if file.read(len(BEGINNING)) != BEGINNING:
            raise ValueError("it doesn't begin as an archive")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its entries are compressed")


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
