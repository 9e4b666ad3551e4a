"""Networks whose parameters nobody drew, for what depends on shapes alone: drawing is most of the time to build one."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch.overrides import TorchFunctionMode


class Undrawn(TorchFunctionMode):
    """Within it what `torch.nn.init` would fill with values is left as it lies in memory."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Hand back the tensor that would be filled; all else is as ever."""
        settings = dict(kwargs or {})
        if getattr(func, "__module__", None) == "torch.nn.init":
            return settings["tensor"] if "tensor" in settings else args[0]
        return func(*args, **settings)
