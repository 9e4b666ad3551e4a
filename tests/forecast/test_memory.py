import ctypes
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmark.bench.measuring import in_fresh_process
from benchmark.bench.profile import Sizes
from benchmark.forecast.memory import step_memory
from benchmark.training.allocator import M_MMAP_THRESHOLD
from benchmark.training.losses import dice_ce_loss
from models import NETWORKS

SIZES, BATCH = Sizes((64, 64, 64), 2, 45), 2
MEASURED = {
    "unet3d": {"width": 16},
    "vnet": {"width": 8},
    "res_unet": {"widths": (24, 48, 96, 192)},
    "uxnet3d": {"feature_sizes": (24, 48, 96, 192), "hidden_size": 384, "depths": (1, 1, 1, 1)},
    "swin_unetr": {"feature_size": 24},
}
OWN_PAGES = 2**18
"""Bytes from which a tensor has pages of its own where steps are measured, so that what is freed is handed back. How
much the C library keeps otherwise depends on the order in which tensors come and go: up to a half of the peak."""


def build(name):
    return NETWORKS[name](SIZES.in_channels, SIZES.out_channels, patch_size=SIZES.patch, **MEASURED[name])


def peak_of_two_steps(name, half):
    """Bytes by which two training steps raise the resident memory of this process."""
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, OWN_PAGES)
    nn.Conv3d(1, 1, 3)(torch.rand(1, 1, 8, 8, 8)).sum().backward()  # what libraries set up once
    before = resident("VmRSS")
    network = build(name)
    optimizer = torch.optim.AdamW(network.parameters())
    images = torch.rand((BATCH, SIZES.in_channels, *SIZES.patch))
    label = torch.randint(SIZES.out_channels, (BATCH, *SIZES.patch), dtype=torch.uint8)
    for _ in range(2):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = dice_ce_loss(network(images), label)
        loss.backward()
        optimizer.step()
    return resident("VmHWM") - before


def resident(field):
    (kib,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(kib) * 1024


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True], ids=["single", "half"])
@pytest.mark.parametrize("name", MEASURED)
def test_the_memory_of_a_step_is_foreseen_within_a_tenth(name, half):
    foreseen = step_memory(build(name), SIZES, BATCH, "bf16-mixed" if half else "32-true").needed
    assert in_fresh_process(peak_of_two_steps, name, half) == pytest.approx(foreseen, rel=0.1)


class Wide(nn.Module):
    """One tensor of 8 channels kept for the backward pass of each of two layers."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(2, 8, 1), nn.Conv3d(8, 8, 1), nn.Conv3d(8, 3, 1))

    def forward(self, image):
        return self.layers(image)


def test_weights_gradients_and_moments_are_counted_one_by_one():
    memory = step_memory(Wide(), Sizes((16, 16, 16), 2, 3), batch=1)
    parameters = sum(parameter.numel() for parameter in Wide().parameters())
    assert memory.weights == memory.gradients == 4 * parameters
    assert memory.optimizer == 8 * parameters
    assert memory.peak > memory.weights + memory.optimizer + memory.activations
    kept = 4 * (2 + 8 + 8 + 3) * 16**3
    assert kept < memory.activations < 3 * kept


def test_activations_grow_with_the_batch_and_shrink_in_half_precision():
    one, two = (step_memory(Wide(), Sizes((16, 16, 16), 2, 3), batch) for batch in (1, 2))
    assert two.activations == pytest.approx(2 * one.activations, rel=0.01)
    half = step_memory(Wide(), Sizes((16, 16, 16), 2, 3), 2, "bf16-mixed")
    assert half.activations < two.activations and half.weights == two.weights


class Peeking(Wide):
    """Looks at a value."""

    def forward(self, image):
        return super().forward(image) * (2 if image.max() > 0.5 else 1)


def test_a_network_that_looks_at_values_is_refused():
    with pytest.raises(RuntimeError):
        step_memory(Peeking(), Sizes((16, 16, 16), 2, 3), 1)


def test_the_network_itself_keeps_its_values():
    network = Wide().eval()
    before = [parameter.clone() for parameter in network.parameters()]
    step_memory(network, Sizes((16, 16, 16), 2, 3), 1)
    assert not network.training
    assert all(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))
