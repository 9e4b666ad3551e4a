"""The loss of every network: L = L_dice + w L_ce (paper, section "Loss")."""

from monai.losses import DiceCELoss
from torch import Tensor


def dice_ce_loss(logits: Tensor, label: Tensor, ce_weight: float = 1.0) -> Tensor:
    """Soft Dice over all classes, background included, plus weighted mean cross-entropy over voxels.

    L_dice = 1 - (1/K) sum_k 2 sum p g / (sum p + sum g), with softmax probabilities p and one-hot truth g, for each
    sample by itself, then averaged.

    Args:
        logits: `[B, K, D, H, W]`.
        label: Class indices `[B, D, H, W]`.
        ce_weight: w.

    Returns:
        A scalar, computed in float32 whatever the precision of `logits`.
    """
    loss = DiceCELoss(to_onehot_y=True, softmax=True, lambda_ce=ce_weight)
    total: Tensor = loss(logits.float(), label[:, None].long())
    return total
