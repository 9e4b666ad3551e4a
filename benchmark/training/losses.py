"""The loss of every network: L = L_dice + w L_ce (paper, section "Loss")."""

import torch.nn.functional as F
from monai.losses import DiceLoss
from torch import Tensor


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
    dice: Tensor = DiceLoss(to_onehot_y=True, softmax=True)(logits, label[:, None])
    return dice, F.cross_entropy(logits, label)


def dice_ce_loss(logits: Tensor, label: Tensor, ce_weight: float = 1.0) -> Tensor:
    """L_dice + w L_ce; see `dice_ce_losses`."""
    dice, ce = dice_ce_losses(logits, label)
    return dice + ce_weight * ce
