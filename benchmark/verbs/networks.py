"""Networks as the command line names them: those shipped in `experiments/networks/`, or a class path of one's own."""

import inspect
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from torch import nn

from benchmark.bench.profile import Build
from benchmark.experiment.definition import network_config, shipped
from models import NETWORKS


def builders(names: Sequence[str] | None) -> dict[str, Build]:
    """What builds each network, by name; where none is named all that are shipped, the paper's first.

    Raises:
        ValueError: If one isn't known, or can't be imported.
    """
    every = (*NETWORKS, *(name for name in shipped("networks") if name not in NETWORKS))
    return {name: builder(name) for name in names or every}


def builder(name: str) -> Build:
    """What builds a network: a function of modalities, classes and `patch_size=`.

    Raises:
        ValueError: If it isn't known, or can't be imported.
    """
    recipe = network_config(name)["model"]["network"]
    module, _, cls = recipe["class_path"].rpartition(".")
    try:
        network = getattr(import_module(module), cls)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"Network {name} can't be imported ({error}). Name one of {', '.join(shipped('networks'))}, or the class "
            "path of your own as Python imports it from here, such as my_networks.TinyNet."
        ) from error
    return partial(_build, network, **recipe.get("init_args", {}))


def _build(
    network: type[nn.Module], in_channels: int, out_channels: int, *, patch_size: Sequence[int], **settings: Any
) -> nn.Module:
    """A network of one's own is told the patch size only if it asks for it."""
    if "patch_size" in inspect.signature(network).parameters:
        settings["patch_size"] = patch_size
    return network(in_channels, out_channels, **settings)
