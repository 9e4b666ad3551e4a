"""Settings that someone else wrote: plain values that fit a constructor's annotations; nothing in them is looked up."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

SCALARS = (bool, int, float, str, NoneType)
LARGEST = 16384
"""No width, depth or side of a network is a larger number."""
LONGEST = 64
"""Entries of a list."""
DEEPEST = 3
"""Lists within lists."""
SEQUENCES = {list: list, tuple: tuple, Sequence: tuple}
"""Annotation to what is made of a list."""
ANYTHING = (Any, object, inspect.Parameter.empty)


def fitting_arguments(constructor: Callable[..., object], settings: Mapping[Any, object]) -> dict[str, Any]:
    """The settings as the annotations of a class's constructor want them.

    Raises:
        ValueError: Naming the setting that is unknown, not plain, or of another kind.
    """
    parameters = inspect.signature(constructor).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    kinds = get_type_hints(constructor.__init__)
    fitted = {}
    for name, value in settings.items():
        if name not in parameters and not takes_any:
            raise ValueError(f"there is no setting {name}; expected some of {', '.join(parameters)}.")
        try:
            _require_plain(value, DEEPEST)
            fitted[name] = fitting(value, kinds.get(name, Any))
        except TypeError as error:
            raise ValueError(f"setting {name} is {value!r:.60}; expected {error}.") from error
    return fitted


def fitting(value: Any, kind: Any) -> Any:
    """A plain value as an annotation wants it: a tuple instead of a list, say.

    Raises:
        TypeError: Naming what the annotation wants.
    """
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return _first_fitting(value, inner)
    if origin in ANYTHING or (origin is Literal and type(value) in map(type, inner) and value in inner):
        return value
    if origin in SCALARS and (type(value) is origin or (origin is float and type(value) is int)):
        return value
    if origin in SEQUENCES and isinstance(value, list | tuple):
        fixed = origin is tuple and inner and Ellipsis not in inner
        each = inner if fixed else (inner or (Any,))[:1] * len(value)
        if len(each) == len(value):
            return SEQUENCES[origin](map(fitting, value, each))
    if origin in (dict, Mapping) and isinstance(value, dict):
        of_key, of_value = inner or (Any, Any)
        return {fitting(key, of_key): fitting(one, of_value) for key, one in value.items()}
    raise TypeError(f"{getattr(kind, '__name__', kind)}, as a plain value")


def _first_fitting(value: object, kinds: Sequence[Any]) -> Any:
    for kind in kinds:
        try:
            return fitting(value, kind)
        except TypeError:
            continue
    raise TypeError(f"{' or '.join(getattr(kind, '__name__', str(kind)) for kind in kinds)}, as a plain value")


def _require_plain(value: object, depth: int) -> None:
    if type(value) in (list, tuple, dict):
        entries = [*value, *value.values()] if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
        if not depth or len(entries) > LONGEST:
            raise TypeError(f"at most {LONGEST} entries, nested {DEEPEST} deep at most")
        for entry in entries:
            _require_plain(entry, depth - 1)
    elif type(value) not in SCALARS:
        raise TypeError("a plain value")
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:
        raise TypeError(f"no number beyond {LARGEST}")
