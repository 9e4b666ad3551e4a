"""Checkpoints that are whole or not there: written beside their place, flushed, renamed."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.fabric.utilities.types import _PATH

from datamodules.files import atomic_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's own goes through the system's temporary folder, and a rename across devices isn't atomic."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """Write a checkpoint to a local path."""
        with atomic_path(Path(path)) as temporary:
            torch.save(checkpoint, temporary)
