"""Everything that a GPU will be asked to do, on a GPU that isn't there (`builders/pretended_gpu.py`).

A tensor on the wrong device raises, and so does a value that is read from the device within a step or a window.
"""

import pytest
import torch
from builders.pretended_gpu import Kernels, on_gpu, pretended_autocast, pretended_gpu
from builders.small_networks import SMALL, SMALL_PATCH
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException

from benchmark.labelling.sliding_window import SlidingWindow, ensemble, mirrored, probabilities, segment
from benchmark.labelling.whole_subjects import Inference, label_subject
from benchmark.training.losses import dice_ce_loss
from models import NETWORKS

CLASSES = 5
CHECKPOINTED = ("cross_fusion", "uxnet3d", "swin_unetr", "unetr")
CASES = [*((name, {}) for name in NETWORKS), *((name, {"checkpointing": True}) for name in CHECKPOINTED)]
WINDOW_KERNELS = 1500
"""At most, of one pass of a network over one batch of windows."""


@pytest.fixture(params=CASES, ids=lambda case: "-".join((case[0], *case[1])))
def network(request: pytest.FixtureRequest) -> nn.Module:
    name, settings = request.param
    return NETWORKS[name](2, CLASSES, patch_size=SMALL_PATCH, **SMALL[name], **settings)


def image(batch: int = 2) -> Tensor:
    return torch.rand(batch, 2, *SMALL_PATCH, device="cuda")


def test_a_training_step_in_half_precision_stays_on_the_device(network: nn.Module) -> None:
    with pretended_gpu():
        on_gpu(network)
        optimizer = torch.optim.AdamW(network.parameters(), fused=True)
        label = torch.zeros(2, *SMALL_PATCH, dtype=torch.uint8, device="cuda")
        with pretended_autocast():
            loss = dice_ce_loss(network(image()), label)
            loss.backward()  # within it, as stages that are computed again aren't cast otherwise
        optimizer.step()
        assert loss.device.type == "cuda"
        assert all(parameter.grad.device.type == "cuda" for parameter in network.parameters())


def test_a_window_is_labelled_in_few_kernels(network: nn.Module) -> None:
    with pretended_gpu(), torch.inference_mode(), pretended_autocast():
        on_gpu(network.eval())
        with Kernels() as kernels:
            logits = network(image())
        assert logits.device.type == "cuda"
        assert logits.shape == (2, CLASSES, *SMALL_PATCH)
        assert 0 < kernels.count < WINDOW_KERNELS


def one_convolution() -> nn.Module:
    return on_gpu(nn.Conv3d(2, CLASSES, 3, padding=1))


@pytest.mark.parametrize("weights", ["constant", "gaussian"])
def test_a_subject_is_labelled_without_an_answer_from_the_device_in_few_kernels_a_window(weights: str) -> None:
    window = SlidingWindow((16, 16, 16), weights=weights)
    windows = len(window.starts((40, 40, 40))[0]) ** 3
    with pretended_gpu():
        network, subject = one_convolution(), torch.rand(2, 40, 40, 40, device="cuda")
        with Kernels() as kernels:
            labels = segment(network, subject, CLASSES, window)
        assert (labels.device.type, labels.shape) == ("cuda", (40, 40, 40))
        assert kernels.count < 60 * windows


def test_ensembles_mirror_images_and_probabilities_stay_on_the_device() -> None:
    window, partners = SlidingWindow((16, 16, 16)), [0, 2, 1, 4, 3]
    with pretended_gpu():
        subject = torch.rand(2, 24, 24, 24, device="cuda")
        together = ensemble([mirrored(one_convolution(), partners), one_convolution()])
        assert segment(together, subject, CLASSES, window).device.type == "cuda"
        assert probabilities(together, subject, CLASSES, window).device.type == "cuda"
        inference = Inference(window, mirror=True)
        assert label_subject(one_convolution(), subject, partners, inference).device.type == "cuda"


def test_what_reads_a_value_from_the_device_would_be_found() -> None:
    with pretended_gpu(), pytest.raises(DataDependentOutputException):
        float(torch.rand(3, device="cuda").sum())


def test_what_mixes_devices_would_be_found() -> None:
    with pretended_gpu(), pytest.raises(RuntimeError, match="two devices, cuda:0 and cpu"):
        torch.rand(3, device="cuda") + torch.rand(3)


def test_half_precision_reaches_the_products_of_a_pretended_gpu() -> None:
    with pretended_gpu(), pretended_autocast():
        assert one_convolution()(image()).dtype == torch.bfloat16
