"""Activation checkpointing: less memory in training for a second forward pass of each stage."""

from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recompute(*stages: nn.Module) -> None:
    """Have each stage keep what enters it alone, and compute everything within it again in the backward pass.

    Parameters keep their names, results their bits. Stages with batch norm stay as they are, as a second pass would
    count every batch twice in their running statistics.
    """
    for stage in stages:
        if any(isinstance(part, _BatchNorm) for part in stage.modules()):
            continue
        stage.forward = _Recomputed(stage)


class _Recomputed:
    """Takes the place of a module's `forward`; a class, so that modules can still be copied and pickled."""

    def __init__(self, stage: nn.Module) -> None:
        self.stage = stage

    def __call__(self, *inputs: Any) -> Any:
        forward = type(self.stage).forward
        if not torch.is_grad_enabled():
            return forward(self.stage, *inputs)
        return checkpoint(forward, self.stage, *inputs, use_reentrant=False)
