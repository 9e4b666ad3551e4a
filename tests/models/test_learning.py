"""A network whose file is our own, and no reference of which can be run, shows that it learns: one patch by heart."""

import pytest
import torch
from builders.small_networks import SMALL, SMALL_PATCH
from torch import Tensor

from benchmark.training.losses import dice_ce_loss
from models.mmformer import MMFormer

CLASSES = 4
RADII = (1, 0.75, 0.5)  # of shells about the middle, in half sides of the patch


def a_head() -> tuple[Tensor, Tensor]:
    """Shells about the middle of the patch, in PET and MR of opposite contrast."""
    axes = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in SMALL_PATCH), indexing="ij")
    radius = torch.stack(axes).norm(dim=0)
    label = sum((radius < each).long() for each in RADII)
    assert isinstance(label, Tensor)
    noise = 0.1 * torch.rand(2, *SMALL_PATCH, generator=torch.Generator().manual_seed(0))
    return (torch.stack((label / 3, 1 - label / 3)) + noise)[None], label[None]


@torch.no_grad()
def mean_dice(logits: Tensor, label: Tensor) -> float:
    found = logits.argmax(dim=1)
    shares = [
        2 * ((found == k) & (label == k)).sum() / ((found == k).sum() + (label == k).sum()) for k in range(1, CLASSES)
    ]
    return float(torch.stack(shares).mean())


@pytest.mark.slow
def test_mmformer_learns_one_patch() -> None:
    torch.manual_seed(0)
    network = MMFormer(2, CLASSES, patch_size=SMALL_PATCH, **SMALL["mmformer"])
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    image, label = a_head()
    for _ in range(50):
        optimizer.zero_grad()
        dice_ce_loss(network(image), label).backward()
        optimizer.step()
    assert mean_dice(network.eval()(image), label) > 0.9
