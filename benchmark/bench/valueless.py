"""Networks without values, for what shapes alone tell; to be used within a `FakeTensorMode`."""

import copy
from typing import Any

import torch
from torch import Tensor, nn


def without_values(network: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A copy in training whose parameters, buffers and other tensors have no values, so that it takes no memory.

    Networks aren't built without values, as some look at those that they draw for a beginning.
    """

    def alike(tensor: Tensor) -> Tensor:
        return torch.empty(tensor.shape, dtype=dtype if tensor.is_floating_point() else tensor.dtype)

    known: dict[int, Any] = {id(each): nn.Parameter(alike(each), each.requires_grad) for each in network.parameters()}
    others = (each for module in network.modules() for each in vars(module).values() if isinstance(each, Tensor))
    known |= {id(each): alike(each) for each in (*network.buffers(), *others)}
    return copy.deepcopy(network, known).train()
