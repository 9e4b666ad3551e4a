"""Mean Dice over validation subjects, kept as sums so that ranks with different numbers of subjects agree."""

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from benchmark.scoring.counts import joint_histogram, structure_counts
from benchmark.scoring.overlap import dice


class SubjectDice(Metric):
    """Dice of whole subjects, background left out.

    An absent structure doesn't count, a missed or spurious one counts as 0: the policy of `benchmark.scoring.absence`.
    """

    structure_sum: Tensor
    structure_count: Tensor
    subject_sum: Tensor
    subject_count: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        for name, size in (("structure", classes), ("subject", 1)):
            self.add_state(f"{name}_sum", torch.zeros(size), dist_reduce_fx="sum")
            self.add_state(f"{name}_count", torch.zeros(size), dist_reduce_fx="sum")

    def update(self, truth: Tensor, prediction: Tensor) -> None:
        """Add one subject: class indices `[D, H, W]` of both."""
        histogram = joint_histogram(truth.cpu().numpy(), prediction.cpu().numpy(), self.classes)
        counts = structure_counts(histogram)
        scores = dice(counts.tp, counts.fp, counts.fn)
        scores[0] = np.nan
        seen = ~np.isnan(scores)
        self.structure_sum += torch.as_tensor(np.nan_to_num(scores)).to(self.structure_sum)
        self.structure_count += torch.as_tensor(seen).to(self.structure_count)
        if seen.any():
            self.subject_sum += float(scores[seen].mean())
            self.subject_count += 1

    def compute(self) -> tuple[Tensor, Tensor]:
        """The mean over subjects of each subject's mean, and the mean of every class `[K]` (NaN where never seen)."""
        mean = self.subject_sum / self.subject_count.clamp(min=1)
        return mean[0], self.structure_sum / self.structure_count
