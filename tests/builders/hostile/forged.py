"""Checkpoints that someone has tampered with, as one who wants a reader to run code, or to choke, would write them."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import torch

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.content_hash import hashed_archive

COMPOSITION = {
    "class_path": "torchmetrics.metric.CompositionalMetric",
    "init_args": {
        "operator": "timeit.timeit",
        "metric_a": 1.0,
        "metric_b": {"class_path": "codecs.StreamReaderWriter"},
    },
}
RECIPES: dict[str, Any] = {
    "a module of the current folder": {"class_path": "planted.Net", "init_args": {}},
    "a class within a trusted class": {"class_path": "models.unet3d.planted.Net", "init_args": {}},
    "another module's name for one of ours": {"class_path": "planted.UNet3D", "init_args": {"width": 4}},
    "a wrapper of torch": {
        "class_path": "torch.optim.swa_utils.AveragedModel",
        "init_args": {"model": COMPOSITION, "avg_fn": "timeit.timeit"},
    },
    "a metric of callables": COMPOSITION,
    "a function": {"class_path": "os.system", "init_args": {"command": "touch harm"}},
    "an address": {"class_path": "https://example.org/planted.py", "init_args": {}},
    "a list": [COMPOSITION],
    "a string alone": "planted.Net",
    "nothing": {"init_args": {}},
    "a number": {"class_path": 7, "init_args": {}},
}
"""What names a network that nobody knows."""

SETTINGS: dict[str, Any] = {
    "a class": {"width": {"class_path": "planted.Net"}},
    "a callable": {"width": "timeit.timeit"},
    "a file": {"patch_size": "/etc/passwd"},
    "an address": {"patch_size": "https://example.org/sizes.yaml"},
    "nested ones": {"patch_size": [16, 16, {"class_path": "planted.Net", "init_args": {}}]},
    "an unknown one": {"hook": "planted.hook"},
    "one that isn't finite": {"width": float("inf")},
    "a truth": {"width": True},
    "an endless list": {"patch_size": [16] * 100000},
    "a deep list": {"patch_size": [[[[[[16]]]]]]},
    "a size beyond memory": {"width": 16000},
}
"""What the settings of a known network must not hold."""


def forge(genuine: Path, forged: Path, **changes: Any) -> Path:
    """Write a genuine checkpoint anew, some of its entries changed."""
    forged.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = torch.load(genuine, weights_only=True)
    SafeCheckpointIO().save_checkpoint({**checkpoint, **changes}, forged)
    return forged


def recipe_of(genuine: Path, **settings: Any) -> Mapping[str, Any]:
    """Its recipe with other settings."""
    recipe = torch.load(genuine, weights_only=True)["network"]
    return {**recipe, "init_args": {**recipe["init_args"], **settings}}


def give_hash(path: Path) -> Path:
    """Let an archive end in the hash of its bytes, as one of the suite does."""
    whole = path.read_bytes()
    with hashed_archive(path) as file:
        file.write(whole)
    return path


class _Witness(MetaPathFinder):
    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        self.asked.append(name)


@contextmanager
def witnessed_imports() -> Iterator[list[str]]:
    """Give the names of all modules that anyone asks for meanwhile."""
    witness = _Witness()
    sys.meta_path.insert(0, witness)
    try:
        yield witness.asked
    finally:
        sys.meta_path.remove(witness)
