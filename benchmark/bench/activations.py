"""What a forward pass keeps for the backward pass."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def saved_bytes(network: nn.Module, forward: Callable[[], Tensor]) -> int:
    """Bytes that autograd keeps after `forward`: every storage once, without those of the network's own state.

    Storages are told apart as objects, so that pretended tensors, which have no address, are counted as well.
    """
    own = {_key(tensor) for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _key(tensor) not in own:
            kept[_key(tensor)] = tensor.untyped_storage()  # held, so that its key isn't given to another
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = forward()
    total = sum(storage.nbytes() for storage in kept.values())
    del output  # until here, as nothing is kept for an output that is gone
    return total


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
