"""How any network is trained, validated and tested: the same way as all the others."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from benchmark.labelling.whole_subjects import Inference, label_subject
from benchmark.training.losses import dice_ce_losses
from benchmark.training.schedule import Schedule
from benchmark.training.validation import SubjectDice


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
        self.recipe: dict[str, Any] | None = None  # class path and settings, where the command line built the network
        self.structures = tuple(structures)
        self.partners = tuple(range(len(self.structures)) if partners is None else partners)
        self.inference = inference
        self.ce_weight = ce_weight
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.seed = seed
        self.subject_dice = SubjectDice(len(self.structures))

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B, K, D, H, W]` of images `[B, M, D, H, W]`."""
        logits: Tensor = self.network(image)
        return logits

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW over all parameters, and its schedule where there is one.

        Raises:
            ValueError: If a schedule is to follow a training that has no end.
        """
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
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
        """Remember how to build the network again, and how it labels."""
        checkpoint["network"] = self.recipe
        checkpoint["inference"] = self.inference.to_dict()

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
        """Make dropout a function of (seed, step, rank)."""
        state = np.random.SeedSequence([self.seed, self.global_step, self.global_rank]).generate_state(1)
        torch.manual_seed(int(state[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch of patches.

        Raises:
            FloatingPointError: If the loss isn't finite.
        """
        dice, ce = dice_ce_losses(self(batch["image"]), batch["label"])
        loss = dice + self.ce_weight * ce
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"The loss is {loss.item()} at step {self.global_step} on patches of {', '.join(batch['subject'])}; "
                f"{self.global_step - 1} was the last finite step, and the last checkpoint is from before. Lower the "
                "learning rate, or look at these subjects."
            )
        losses = {"train/loss": loss, "train/dice_loss": dice, "train/ce_loss": ce}
        for name, value in losses.items():
            self.log(name, value, prog_bar=value is loss, batch_size=len(batch["image"]), sync_dist=True)
        return loss

    def on_validation_start(self) -> None:
        """Give all ranks the first one's running statistics, here once, as ranks have unequal numbers of steps.

        Raises:
            FloatingPointError: If a weight isn't finite any more, so that no checkpoint is written of it.
        """
        for name, parameter in self.network.named_parameters():
            if not torch.isfinite(parameter).all():
                raise FloatingPointError(
                    f"Weights of {name} aren't finite at step {self.global_step}, though all losses were; the last "
                    "checkpoint is from before. Lower the learning rate."
                )
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

    def _segment(self, batch: Batch) -> Tensor:
        return label_subject(self.network, batch["image"][0], self.partners, self.inference)


def _flat(recipe: Mapping[str, Any] | None) -> dict[str, Any]:
    """Class path and settings of a network side by side; patches of another size may be tried."""
    plain = json.loads(json.dumps(recipe or {}))  # tuples are lists elsewhere
    flat = {"class_path": plain["class_path"], **plain["init_args"]} if plain else {}
    return {key: value for key, value in flat.items() if key != "patch_size"}
