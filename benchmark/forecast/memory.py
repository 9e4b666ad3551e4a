"""How much memory a training step holds, from shapes alone: the step is done with tensors that have no values."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, UntypedStorage, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmark.bench.profile import Sizes
from benchmark.bench.valueless import without_values
from benchmark.training.losses import dice_ce_loss

HALVES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""Precisions in which some operations compute in halves; weights stay whole."""

WEIGHTS = {"bf16-true": torch.bfloat16, "16-true": torch.float16, "64-true": torch.float64}
"""Precisions in which weights aren't float32."""

SURROUNDINGS = 1.1
"""Memory that a process takes for each byte in tensors at the peak, for what libraries set up and copy; measured by
`tests/forecast/test_memory.py`: 1.04 to 1.15. What an allocator keeps of freed memory comes on top of it, as much as it
is allowed to (`training/allocator.py`)."""

MOMENTS = 2
"""Tensors as large as the weights that AdamW keeps."""


@dataclass(frozen=True)
class StepMemory:
    """Bytes that a training step holds.

    Attributes:
        weights: Parameters and buffers.
        gradients: Of the parameters.
        optimizer: AdamW's state.
        activations: What the forward pass keeps for the backward pass, input and label included.
        peak: The most that is held at any moment, which is where the backward pass has just begun.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    peak: int

    @property
    def needed(self) -> float:
        """What a process must be given for the step: the peak, and what surrounds tensors."""
        return self.peak * SURROUNDINGS


def step_memory(network: nn.Module, sizes: Sizes, batch: int, precision: str = "32-true") -> StepMemory:
    """Do a training step of a network with tensors that have shapes only; the network itself stays as it is.

    Args:
        network: Maps `[B, M, D, H, W]` to logits `[B, K, D, H, W]`.
        sizes: Of a patch.
        batch: Patches in the step of one process.
        precision: Of the trainer.

    Raises:
        RuntimeError: If the network looks at values.
    """
    alive = Alive()
    with FakeTensorMode():
        pretended = without_values(network, WEIGHTS.get(precision, torch.float32))
        weights = alive.add(*pretended.parameters(), *pretended.buffers())
        gradients = sum(_bytes(parameter) for parameter in pretended.parameters())
        moments = [torch.empty_like(parameter) for parameter in pretended.parameters() for _ in range(MOMENTS)]
        optimizer = alive.add(*moments)
        dtype = WEIGHTS.get(precision, torch.float32)
        with alive:
            images = torch.rand((batch, sizes.in_channels, *sizes.patch), dtype=dtype)
            label = torch.randint(sizes.out_channels, (batch, *sizes.patch), dtype=torch.uint8)
            with torch.autocast("cpu", HALVES.get(precision), enabled=precision in HALVES):
                loss = dice_ce_loss(pretended(images), label)
            activations = alive.bytes - weights - optimizer
            loss.backward()
    return StepMemory(weights, gradients, optimizer, activations, alive.most)


class Alive(TorchDispatchMode):
    """Counts the bytes of all tensors that operations make, for as long as they live."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most = 0
        self.known: dict[int, weakref.ref[UntypedStorage]] = {}

    def add(self, *tensors: Tensor) -> int:
        """Count tensors that are there already; returns their bytes."""
        before = self.bytes
        for tensor in tensors:
            self._count(tensor.untyped_storage())
        return self.bytes - before

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Do an operation, and count what it made."""
        made = func(*args, **(kwargs or {}))
        self.add(*(leaf for leaf in tree_leaves(made) if isinstance(leaf, Tensor)))
        return made

    def _count(self, storage: UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self.known:  # a view
            return

        def forget(_: Any) -> None:
            self.bytes -= size
            del self.known[key]

        self.known[key] = weakref.ref(storage, forget)
        self.bytes += size
        self.most = max(self.most, self.bytes)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
