"""The loss of every network: L = L_dice + w L_ce (paper, section "Loss")."""

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTH = 1e-5
"""In numerator and denominator of Dice, as in the paper's code: a class that is nowhere loses nothing."""


def dice_ce_losses(logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """L_dice, soft Dice over all classes, background included, and L_ce, mean cross-entropy over voxels.

    L_dice = 1 - (1/K) sum_k 2 sum p g / (sum p + sum g), with softmax probabilities p and one-hot truth g, for each
    sample by itself, then averaged.

    Args:
        logits: `[B, K, D, H, W]`.
        label: Class indices `[B, D, H, W]`.

    Returns:
        Two scalars, computed in float32 whatever the precision of `logits`.
    """
    logits, label = logits.float(), label.long()
    return _dice_loss(logits, label), F.cross_entropy(logits, label)


def dice_ce_loss(logits: Tensor, label: Tensor, ce_weight: float = 1.0) -> Tensor:
    """L_dice + w L_ce; see `dice_ce_losses`."""
    dice, ce = dice_ce_losses(logits, label)
    return dice + ce_weight * ce


def _dice_loss(logits: Tensor, label: Tensor) -> Tensor:
    share = logits.softmax(1)
    truth = torch.zeros_like(share).scatter_(1, label[:, None], 1)
    both, each = (values.sum((2, 3, 4)) for values in (truth * share, truth))
    return (1 - (2 * both + SMOOTH) / (each + share.sum((2, 3, 4)) + SMOOTH)).mean()
