"""Which networks a file of other people may name: those of this suite, and those whose code the user trusts by name.

A checkpoint doesn't hold its network but a recipe: a class path and settings. Whoever wrote the file chose both, so the
name is compared before anything is imported, settings are plain values, and a network of this suite takes no memory
before its weights are known to fit.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from benchmark.plain_settings import fitting_arguments
from models import NETWORKS

OURS: Mapping[str, type[nn.Module]] = {
    f"{module}.{network.__name__}": network
    for network in NETWORKS.values()
    for module in ("models", network.__module__)
}
"""Class paths that any file may name."""

SHARED = 4
"""Under how many names the same weights may stand."""

FAILURES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a constructor raises where settings make no sense."""


def build_network(recipe: object, weights: Mapping[str, Tensor], trusted: Collection[str] = ()) -> nn.Module:
    """Build the network of a recipe and give it its weights.

    Args:
        recipe: `class_path` and `init_args`.
        weights: The network's `state_dict`.
        trusted: Class paths of further networks whose code may run.

    Raises:
        ValueError: If the network is neither known nor trusted, a setting isn't plain, or the weights don't fit.
    """
    network_class, settings = read_recipe(recipe, trusted)
    _check_weights(weights)
    if network_class in NETWORKS.values():
        with torch.device("meta"), _at_most(SHARED * len(weights)):
            _build(network_class, settings, weights, assign=True)
    return _build(network_class, settings, weights)


def read_recipe(recipe: object, trusted: Collection[str] = ()) -> tuple[type[nn.Module], dict[str, Any]]:
    """The class of a network and its settings, as its constructor takes them.

    Raises:
        ValueError: If the network is neither known nor trusted, or a setting isn't plain.
    """
    if not isinstance(recipe, Mapping) or set(recipe) - {"class_path", "init_args", "dict_kwargs"}:
        raise ValueError("its network isn't described by a class path and settings.")
    parts = [recipe.get(name) or {} for name in ("init_args", "dict_kwargs")]
    if not all(isinstance(part, Mapping) for part in parts):
        raise ValueError("the settings of its network aren't names and values.")
    network_class = find_network(recipe.get("class_path"), trusted)
    try:
        return network_class, fitting_arguments(network_class, {**parts[0], **parts[1]})
    except ValueError as error:
        raise ValueError(f"its network {network_class.__name__} can't be built: {error}") from error


def find_network(path: object, trusted: Collection[str] = ()) -> type[nn.Module]:
    """The class of a network by its path; nothing is imported for one that is neither known nor trusted.

    Raises:
        ValueError: If it is neither, or can't be found, or is no network.
    """
    if not isinstance(path, str) or path not in {*OURS, *trusted}:
        raise ValueError(
            f"its network {path!r:.80} is none of this suite's, and to build it is to run code that whoever wrote the "
            f"file chose. If you know the network and trust it: --trust {path!s:.80}"
        )
    if path in OURS:
        return OURS[path]
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"its network {path} isn't found ({error}): give the command in the folder that holds it, or set "
            "PYTHONPATH."
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ValueError(f"{path} is no network; expected a subclass of torch.nn.Module.")
    return found


def _check_weights(weights: Mapping[str, Tensor]) -> None:
    """Refuse weights that claim more memory than their file takes."""
    for name, one in weights.items():
        if not isinstance(one, Tensor) or one.device.type != "cpu" or one.layout != torch.strided:
            raise ValueError(f"its weights {name!s:.80} are no plain numbers.")
    held = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in weights.values()}
    if sum(one.nbytes for one in weights.values()) > SHARED * sum(held.values()):
        raise ValueError("its weights claim more numbers than the file holds.")


def _build(
    network_class: type[nn.Module], settings: Mapping[str, Any], weights: Mapping[str, Tensor], *, assign: bool = False
) -> nn.Module:
    name = network_class.__name__
    try:
        network = network_class(**settings)
    except FAILURES as error:
        raise ValueError(f"its network {name} can't be built with its settings ({error}).") from error
    try:
        network.load_state_dict(dict(weights), assign=assign)
    except FAILURES as error:
        raise ValueError(f"its weights don't fit its network {name} ({error}).") from error
    return network


@contextmanager
def _at_most(parameters: int) -> Iterator[None]:
    """Stop a network that grows beyond as many parameters as a file has weights."""
    left = parameters

    def count(module: nn.Module, name: str, parameter: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError("it has more layers than the file has weights")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()
