"""How the learning rate goes over a training."""

from dataclasses import dataclass
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a share of the one that is set. The default is the paper's: always all of it.

    Attributes:
        decay: `constant`, or `polynomial`: (1 - t)^power, where t goes from 0 to 1 after the warm-up (DeepLab, Chen et
            al., TPAMI 2018; nnU-Net).
        warmup: Share of all steps over which it rises in equal parts.
        power: Of the polynomial.
    """

    decay: Literal["constant", "polynomial"] = "constant"
    warmup: float = 0.0
    power: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < 1 or self.power <= 0:
            raise ValueError(
                f"A warm-up is a share in [0, 1) and a power above 0, got warmup={self.warmup}, power={self.power}."
            )

    @property
    def changes(self) -> bool:
        """Whether it ever isn't all of the learning rate."""
        return self.decay != "constant" or self.warmup > 0

    def share(self, step: int, steps: int) -> float:
        """The share in a step, numbered from 0, of so many."""
        rising = round(self.warmup * steps)
        if step < rising:
            return (step + 1) / (rising + 1)
        if self.decay == "constant":
            return 1.0
        return float((1 - (step - rising) / max(steps - rising, 1)) ** self.power) if step < steps else 0.0

    def of(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """The scheduler of an optimizer; its state is the number of steps alone."""
        return LambdaLR(optimizer, lambda step: self.share(step, steps))
