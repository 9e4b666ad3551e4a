"""Fill a network by rule, feed a fixed input, compare sixteen voxels of the output with a stored reference.

The rule looks only at shapes, so two implementations of the same function agree when their parameters have the same
shapes, whatever their names and order. It is blind to tensors of equal shape that change places and to weights that are
shared or not: test those apart, by parameter counts.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

CASES = json.loads(Path(__file__).with_name("fingerprints.json").read_text())
TOLERANCE = 1e-9  # largest difference, in standard deviations of the reference output, in float64
_MODULUS = 1000003

Module = TypeVar("Module", bound=nn.Module)


@torch.no_grad()
def fill(module: Module) -> Module:
    """Set every parameter from its shape alone, in float64, and switch to evaluation; buffers stay as they are."""
    module.double().eval()
    for parameter in module.parameters():
        parameter.copy_(_values(parameter.shape))
    return module


def fixed_input(channels: int, size: Sequence[int], batch: int = 1) -> Tensor:
    """A smooth float64 pattern `[batch, channels, *size]` that tells axes, channels and batch items apart."""
    axes = (torch.arange(n, dtype=torch.float64) for n in (batch, channels, *size))
    b, c, d, h, w = torch.meshgrid(*axes, indexing="ij")
    phase = 0.11 * d + 0.23 * h + 0.37 * w + 0.9 * c + 0.01 * (c + 1) * d * h - 0.02 * h * w + 0.5 * b
    return torch.sin(phase)


def assert_matches(output: Tensor, case: str) -> None:
    """Compare an output with the named case of fingerprints.json: shape, mean, standard deviation and 16 voxels."""
    stored = CASES[case]
    assert list(output.shape) == stored["shape"]
    values = output.detach().flatten()
    where = [int((k + 0.5) * values.numel() / 16) for k in range(16)]
    expected = torch.tensor([*stored["samples"], stored["mean"], stored["std"]], dtype=torch.float64)
    found = torch.cat((values[where], values.mean()[None], values.std(correction=0)[None]))
    difference = float((found - expected).abs().max()) / stored["std"]
    assert difference <= TOLERANCE, f"{case}: off by {difference:.3g} standard deviations"


def _values(shape: torch.Size) -> Tensor:
    if not shape:
        return torch.ones((), dtype=torch.float64)
    count = math.prod(shape)
    j = torch.arange(count) % _MODULUS
    hashed = (314159 * j * j + 271828 * j + 161803 * count) % _MODULUS
    noise = math.sqrt(3) * (2 * (hashed.double() + 0.5) / _MODULUS - 1)
    if len(shape) == 1:
        return 1 + 0.1 * noise
    return noise.reshape(shape) / math.sqrt(count / shape[0])
