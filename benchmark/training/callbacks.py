"""What happens beside training and test steps: predictions, throughput, pictures."""

import time
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from benchmark.labelling.predictions import write_prediction
from benchmark.training.task import Batch
from datamodules.cohort.store import Cohort
from datamodules.volumes.grid import Array


class PredictionWriter(L.Callback):
    """Writes what each test step segmented, from whichever rank segmented it."""

    def __init__(self, folder: str) -> None:
        """Write to `folder`."""
        self.folder = Path(folder)

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Tensor,  # type: ignore[override]
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the prediction of one subject."""
        write_prediction(self.folder, _cohort(trainer), batch["subject"][0], outputs.cpu().numpy())


class Throughput(L.Callback):
    """Logs patches per second over an epoch's training steps, and the peak of GPU memory."""

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self.started, self.patches = time.monotonic(), 0

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count patches, and stop the clock after the last step, before validation."""
        self.patches += len(batch["image"]) * trainer.world_size
        if batch_idx + 1 == trainer.num_training_batches:
            if pl_module.device.type == "cuda":
                torch.cuda.synchronize(pl_module.device)  # once an epoch: steps only hand their work over
            pl_module.log("train/patches_per_second", self.patches / (time.monotonic() - self.started))
            if pl_module.device.type == "cuda":
                peak = torch.cuda.max_memory_allocated(pl_module.device) / 2**30
                pl_module.log("train/peak_memory_gib", peak)


class SlicePanel(L.Callback):
    """Shows Weights & Biases the middle slices of one validation subject: each modality, truth, prediction."""

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Tensor,  # type: ignore[override]
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first subject."""
        wandb = [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
        if batch_idx == 0 and trainer.is_global_zero and wandb:
            panel = draw_panel(batch, outputs, _cohort(trainer))
            wandb[0].log_image("val/slices", [panel], step=trainer.global_step - 1, caption=[batch["subject"][0]])


def draw_panel(batch: Batch, prediction: Tensor, cohort: Cohort) -> Array:
    """Axial middle slices side by side, RGB uint8 `[H, W, 3]`: each modality in grey, then truth and prediction."""
    middle = prediction.shape[2] // 2
    greys = (batch["image"][0, :, :, :, middle].float().cpu().numpy() * 255).astype(np.uint8)
    colours = np.array([structure.colour for structure in cohort.protocol.structures], np.uint8)
    maps = [labels[:, :, middle].cpu().numpy() for labels in (batch["label"][0], prediction)]
    pictures = [np.repeat(grey[..., None], 3, -1) for grey in greys] + [colours[labels] for labels in maps]
    return np.concatenate([np.rot90(picture) for picture in pictures], axis=1)


def _cohort(trainer: L.Trainer) -> Cohort:
    cohort: Cohort = trainer.datamodule.cohort  # type: ignore[attr-defined]
    return cohort
