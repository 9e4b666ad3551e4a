"""How many bytes a computation reads and writes, counted on shapes: the inputs and outputs of all its operations."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmark.bench.valueless import without_values


def traffic_bytes(network: nn.Module, run: Callable[[nn.Module], None]) -> int:
    """Bytes that `run` moves through the operations of a network, if none stayed in a cache.

    Tensors have shapes and no values, so nothing is computed.
    """
    with FakeTensorMode():
        pretended, moved = without_values(network), _Bytes()
        with moved:
            run(pretended)
    return moved.total


class _Bytes(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = operation(*args, **(kwargs or {}))
        if operation.namespace != "prim" and not operation.is_view:  # such as a look at the device moves nothing
            touched = {id(each): each for each in tree_leaves((args, kwargs, output)) if isinstance(each, Tensor)}
            self.total += sum(each.numel() * each.element_size() for each in touched.values())
        return output
