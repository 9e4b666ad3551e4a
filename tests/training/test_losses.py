import pytest
import torch
from monai.losses import DiceCELoss

from benchmark.training.losses import dice_ce_loss


def by_hand(logits, label, weight):
    share = logits.softmax(1)
    truth = torch.nn.functional.one_hot(label.long(), logits.shape[1]).movedim(-1, 1).float()
    overlap = 2 * (share * truth).sum((2, 3, 4)) / (share.sum((2, 3, 4)) + truth.sum((2, 3, 4)))
    return 1 - overlap.mean() - weight * (share.log() * truth).sum(1).mean()


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_the_loss_is_the_papers(weight):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 4, 6, 8, generator=generator)
    label = torch.randint(0, 5, (2, 4, 6, 8), generator=generator, dtype=torch.uint8)
    torch.testing.assert_close(
        dice_ce_loss(logits, label, weight), by_hand(logits, label, weight), rtol=1e-4, atol=1e-4
    )


def test_half_precision_logits_are_summed_in_float32():
    logits, label = torch.zeros(1, 3, 8, 8, 8, dtype=torch.bfloat16), torch.zeros(1, 8, 8, 8, dtype=torch.uint8)
    assert dice_ce_loss(logits, label).dtype == torch.float32


def test_the_loss_and_its_gradient_are_those_of_the_papers_code():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 4, 6, 8, generator=generator, requires_grad=True)
    label = torch.randint(0, 4, (2, 4, 6, 8), generator=generator, dtype=torch.uint8)  # of the last class there is none
    released = DiceCELoss(to_onehot_y=True, softmax=True)(logits, label[:, None].float())
    ours = dice_ce_loss(logits, label)
    torch.testing.assert_close(ours, released)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logits) for loss in (ours, released)))
