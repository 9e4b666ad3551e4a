"""An exponential moving average of the weights, which is what is validated, kept as checkpoint, and tested."""

from dataclasses import dataclass
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

EARLY = 10
"""Steps after which the average leaves the first weights behind: after n of them it keeps at most (1 + n)/(10 + n)."""


@dataclass(frozen=True)
class Decay:
    """One step of the average; a class, as a function made on the spot can't be sent to another process.

    Attributes:
        share: Of the average, that is kept in each step, later on.
    """

    share: float

    def __call__(self, averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        """The average after `steps` steps."""
        kept = min(self.share, (1 + int(steps)) / (EARLY + int(steps)))
        return averaged * kept + current * (1 - kept)


class ExponentialAverage(WeightAveraging):
    """Averages weights and buffers after every step, in few steps too: the first ones hardly count.

    Lightning keeps the average as the checkpoint's `state_dict`, and beside it the weights that training goes on with.
    """

    def __init__(self, decay: float = 0.999) -> None:
        """Keep a share `decay` of the average in each step.

        Raises:
            ValueError: If it isn't a share.
        """
        if not 0 <= decay < 1:
            raise ValueError(f"The decay of an average of weights is a share in [0, 1), got {decay}.")
        super().__init__(avg_fn=Decay(decay))

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on with both in training; in a test Lightning would bring back the weights that aren't averaged."""
        if trainer.state.fn == TrainerFn.FITTING:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)
