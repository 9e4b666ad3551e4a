"""A GPU that isn't there: tensors have shapes and a device `cuda`, and no values.

PyTorch's fake tensors refuse operations between devices, and raise where a program reads a value from the device (a
`float(loss)`, a `nonzero`), so where a real GPU would have to wait. Two things are added, so that this works where
PyTorch is built without CUDA: below Python the tensors are of the device `meta`, as autograd's engine would look for
CUDA's streams; and as autocast then doesn't see them, what enters a matrix product is cast here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch._dynamo  # imported here, as fake tensors would import it while `_make_subclass` is replaced
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

PRODUCTS = (
    F.conv3d, F.conv_transpose3d, F.linear, F.scaled_dot_product_attention,
    torch.conv3d, torch.conv_transpose3d, torch.matmul, torch.bmm, torch.einsum, Tensor.matmul, Tensor.__matmul__,
)  # fmt: skip

_make_subclass = torch.Tensor._make_subclass


@contextmanager
def pretended_gpu() -> Iterator[None]:
    """Tensors made within may be on `cuda`; use `on_gpu` for a network."""
    with patch.object(torch.Tensor, "_make_subclass", _of_no_device), _Mode():
        yield


def on_gpu(network: nn.Module) -> nn.Module:
    """Move a network to the pretended GPU: its parameters and buffers lose their values."""
    for part in network.modules():
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(torch.empty(parameter.shape, dtype=parameter.dtype, device="cuda")))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, torch.empty(buffer.shape, dtype=buffer.dtype, device="cuda"))
    return network


@contextmanager
def pretended_autocast(dtype: torch.dtype = torch.bfloat16) -> Iterator[None]:
    """Autocast on the pretended GPU, which activation checkpointing enters again where it computes again."""
    has_amp = patch.object(torch.cuda.amp.common, "amp_definitely_not_available", return_value=False)
    has_bfloat16 = patch.object(torch.cuda, "is_bf16_supported", return_value=True)
    with has_amp, has_bfloat16, torch.autocast("cuda", dtype), _Cast(dtype):
        yield


class Kernels(TorchDispatchMode):
    """Counts the operations that compute or move something, so about the kernels that a GPU would be given."""

    count = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += not operation.is_view
        return operation(*args, **(kwargs or {}))


class _Mode(FakeTensorMode):
    """What is made like a tensor below Python, such as the 0 of a `where`, is on its device too."""

    def dispatch(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if kwargs and kwargs.get("device") == torch.device("meta"):
            kwargs = {**kwargs, "device": torch.device("cuda", 0)}
        return super().dispatch(func, types, args, kwargs)


class _Cast(TorchFunctionMode):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function is Tensor.backward:  # within which stages are computed again: a mode is suspended otherwise
            with self, patch.object(torch.autograd, "has_torch_function", return_value=False):
                return torch.autograd.backward(*args)
        if function in PRODUCTS:
            args, kwargs = tree_map(self._lowered, (args, kwargs))
        return function(*args, **(kwargs or {}))

    def _lowered(self, x: Any) -> Any:
        single = isinstance(x, Tensor) and x.dtype == torch.float32
        return x.to(self.dtype) if single else x


def _of_no_device(cls: type[Any], data: Tensor, requires_grad: bool = False, **options: Any) -> Any:
    options.pop("dispatch_device", None)
    return _make_subclass(cls, data, requires_grad, **options)
