"""How any network is trained, validated and tested: the same way as all the others."""

import json
import math
from collections.abc import Sequence
from typing import Any, TypedDict

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from benchmark.labelling.whole_subjects import Inference, label_subject
from benchmark.training.batch_norm import share_batch_norm
from benchmark.training.loss_record import LossRecord
from benchmark.training.losses import dice_ce_losses
from benchmark.training.processes import require_all
from benchmark.training.schedule import Schedule
from benchmark.training.validation import SubjectDice
from models.parts.on_processors import suit_processors

FUSED = ("cpu", "cuda")
"""Devices on which AdamW is one operation."""


class Batch(TypedDict):
    """Patches (training) or a whole subject (validation, test).

    `image` is `[B, M, D, H, W]` in [0, 1], `label` `[B, D, H, W]` class indices, `subject` the B ids.
    """

    image: Tensor
    label: Tensor
    subject: list[str]


class SegmentationTask(L.LightningModule):
    """Trains a network with Dice + cross-entropy and AdamW; validates by the mean Dice of whole subjects."""

    def __init__(
        self,
        network: nn.Module,
        structures: Sequence[str],
        partners: Sequence[int] | None = None,
        inference: Inference = Inference(),  # noqa: B008  frozen
        ce_weight: float = 1.0,
        learning_rate: float = 1e-4,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.999),
        schedule: Schedule = Schedule(),  # noqa: B008  frozen
        seed: int = 0,
    ) -> None:
        """Set a network to work.

        Args:
            network: Maps `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.
            structures: Names of the K classes, background first.
            partners: Class index of each class's mirror structure; only mirroring asks for them.
            inference: How whole subjects are labelled in validation and test.
            ce_weight: w of L = L_dice + w L_ce.
            learning_rate: Of AdamW.
            weight_decay: Of AdamW; PyTorch's default, as the paper names none.
            betas: Of AdamW: how long it remembers gradients and their squares, here PyTorch's default. With 0.999 the
                large gradients of the beginning keep the steps of the next thousand small.
            schedule: Of the learning rate.
            seed: Of dropout, drawn anew from (seed, step, rank), so that a resumed run repeats nothing.

        Raises:
            ValueError: If inference mirrors, but the mirror structures aren't given.
        """
        super().__init__()
        if inference.mirror and partners is None:
            raise ValueError("Inference with mirror images needs the partners of the structures; give them as well.")
        self.save_hyperparameters(ignore=["network", "structures", "partners", "inference", "schedule"])
        self.network = network
        suit_processors(network)
        self.recipe: dict[str, Any] | None = None  # class path and settings, where the command line built the network
        self.structures = tuple(structures)
        self.partners = tuple(range(len(self.structures)) if partners is None else partners)
        self.inference = inference
        self.ce_weight = ce_weight
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.betas = betas
        self.schedule = schedule
        self.seed = seed
        self.losses = LossRecord()
        self.subject_dice = SubjectDice(len(self.structures))

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B, K, D, H, W]` of images `[B, M, D, H, W]`."""
        logits: Tensor = self.network(image)
        return logits

    def setup(self, stage: str) -> None:
        """Look whether all ranks are there, and let them see one batch.

        Raises:
            ValueError: If they aren't.
        """
        require_all(self.trainer)
        if self.trainer.world_size > 1:
            self.network = share_batch_norm(self.network)

    def optimizer(self) -> torch.optim.AdamW:
        """AdamW over all parameters, as one operation that reads and writes each of them once where PyTorch has it."""
        fused = True if next(self.parameters()).device.type in FUSED else None
        optimizer = torch.optim.AdamW(
            self.parameters(), self.learning_rate, self.betas, weight_decay=self.weight_decay, fused=fused
        )
        optimizer._step_supports_amp_scaling = False  # it could unscale gradients itself, but not clip them after that
        return optimizer

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer, and its schedule where there is one.

        Raises:
            ValueError: If a schedule is to follow a training that has no end.
        """
        optimizer = self.optimizer()
        if not self.schedule.changes:
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        if not math.isfinite(steps):
            raise ValueError(f"A schedule needs the end of training: set trainer.max_epochs or max_steps ({steps}).")
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.schedule.of(optimizer, int(steps)), "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember how to build the network again, how it labels, and in which precision.

        Raises:
            FloatingPointError: If a loss or a weight isn't finite any more, so that no checkpoint is written of it.
        """
        self._require_finite()
        checkpoint["network"] = self.recipe
        checkpoint["inference"] = self.inference.to_dict()
        checkpoint["precision"] = str(self.trainer.precision)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another network, or of one with other settings.

        Raises:
            ValueError: Naming what differs.
        """
        then, now = (_flat(recipe) for recipe in (checkpoint.get("network"), self.recipe))
        differing = [
            f"{key}: {then.get(key)} in the checkpoint, {now.get(key)} here"
            for key in dict.fromkeys([*then, *now])
            if then and now and then.get(key) != now.get(key)
        ]
        if differing:
            raise ValueError(f"The checkpoint is of another network; {'; '.join(differing)}.")

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout a function of (seed, step, rank), on whatever device it is drawn."""
        (state,) = np.random.SeedSequence([self.seed, self.global_step, self.global_rank]).generate_state(1).tolist()
        torch.default_generator.manual_seed(state)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(state)  # torch.manual_seed would keep a stack trace for every device there isn't

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch of patches; nothing is read back from the device."""
        dice, ce = dice_ce_losses(self(batch["image"]), batch["label"])
        loss = dice + self.ce_weight * ce
        self.losses.add(self.global_step, (loss, dice, ce), batch["subject"])
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Look at the losses at the logging interval and at the end of an epoch, and log means over all ranks.

        Raises:
            FloatingPointError: If one of them isn't finite.
        """
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        due = every and self.global_step % every == 0
        if due or self.trainer.is_last_batch:
            self.losses.look()
        if due:
            self.log_dict(self.losses.means(), on_step=True, on_epoch=False, batch_size=len(batch["image"]))

    def on_validation_start(self) -> None:
        """Give all ranks the first one's running statistics, here once, as ranks have unequal numbers of steps.

        Raises:
            FloatingPointError: If a loss or a weight isn't finite any more.
        """
        self._require_finite()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Score one whole subject; returns its class indices `[D, H, W]`."""
        prediction = self._segment(batch)
        self.subject_dice.update(batch["label"][0], prediction)
        return prediction

    def on_validation_epoch_end(self) -> None:
        """Log the mean Dice over the subjects of all ranks, and of every structure."""
        mean, structures = self.subject_dice.compute()
        self.subject_dice.reset()
        self.log("val/dice", mean, prog_bar=True)
        seen = {name: value for name, value in zip(self.structures, structures, strict=True) if not value.isnan()}
        self.log_dict({f"val/dice/{name}": value for name, value in seen.items()})

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Segment one whole subject: class indices `[D, H, W]`, for whoever writes them."""
        return self._segment(batch)

    def _require_finite(self) -> None:
        self.losses.look()
        named = list(self.network.named_parameters())
        finite = torch.stack([parameter.isfinite().all() for _, parameter in named]).cpu()  # all are read at once
        broken = [name for (name, _), fine in zip(named, finite, strict=True) if not fine]
        if broken:
            raise FloatingPointError(
                f"Weights of {broken[0]} aren't finite at step {self.global_step}, though all losses were; the last "
                "checkpoint is from before. Lower the learning rate."
            )

    def _segment(self, batch: Batch) -> Tensor:
        return label_subject(self.network, batch["image"][0], self.partners, self.inference)


def _flat(recipe: object) -> dict[str, Any]:
    """Class path and settings of a network side by side; patches of another size may be tried."""
    if recipe is None:  # a network that was built in Python
        return {}
    plain = json.loads(json.dumps(recipe, default=str))  # tuples are lists elsewhere
    known = isinstance(plain, dict) and isinstance(plain.get("init_args"), dict)
    flat = {"class_path": plain.get("class_path"), **plain["init_args"]} if known else {"class_path": plain}
    return {key: value for key, value in flat.items() if key != "patch_size"}
