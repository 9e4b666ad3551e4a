"""What comes with the suite, by kind: names, and the first sentence that their files say of them."""

import inspect
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from pydoc import locate

from benchmark.experiment.definition import SHIPPED as EXPERIMENTS
from benchmark.experiment.definition import network_config, shipped
from benchmark.labelling.trained import SHIPPED as CHECKPOINTS
from datamodules.labels.protocol import shipped_protocols
from models.cross_fusion import EARLY
from models.parts.fusion import FUSIONS

Shipped = dict[str, str]
"""Name to what it is."""


def _networks() -> Shipped:
    return {name: _network(name) for name in shipped("networks")}


def _network(name: str) -> str:
    path = network_config(name)["model"]["network"]["class_path"]
    return _of_comment(EXPERIMENTS / "networks" / f"{name}.yaml") or _first(inspect.getmodule(locate(path)).__doc__)


def _experiments() -> Shipped:
    found = {name: _of_comment(EXPERIMENTS / f"{name}.yaml") for name in shipped()}
    return {name: text for name, text in found.items() if name != "base"}


def _of_folder(folder: str) -> Shipped:
    return {name: _of_comment(EXPERIMENTS / folder / f"{name}.yaml") for name in shipped(folder)}


def _protocols() -> Shipped:
    folder = files("datamodules.labels") / "protocols"
    return {name: _first(_uncommented((folder / f"{name}.tsv").read_text("utf-8"))) for name in shipped_protocols()}


def _fusions() -> Shipped:
    return {name: _first(make.__doc__) for name, make in FUSIONS.items()} | {EARLY: "Both modalities as channels."}


def _checkpoints() -> Shipped:
    return {
        name: f"A small network for a first look: {path.parent / 'README.md'}" for name, path in CHECKPOINTS.items()
    }


SHIPPED: dict[str, Callable[[], Shipped]] = {
    "networks": _networks,
    "experiments": _experiments,
    "scales": lambda: _of_folder("scales"),
    "recipes": lambda: _of_folder("recipes"),
    "protocols": _protocols,
    "fusions": _fusions,
    "checkpoints": _checkpoints,
}


def _of_comment(path: Path) -> str:
    return _first(_uncommented(path.read_text(encoding="utf-8")))


def _uncommented(text: str) -> str:
    """The comment that a file begins with, without its marks."""
    lines = re.match(r"(?:#.*\n)*", text)
    return re.sub(r"^# ?", "", lines[0] if lines else "", flags=re.MULTILINE)


def _first(text: str | None) -> str:
    """The first sentence, on one line; another one begins with a capital letter, or with a command."""
    return re.split(r"(?<=[.?])\s(?=[A-Z`])", " ".join((text or "").split()), maxsplit=1)[0]
