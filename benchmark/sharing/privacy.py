"""A configuration as others may see it: what was computed, without where on whose disk."""

import re
from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Any

import yaml

PLACES = ("logger", "callbacks", "default_root_dir")
"""Settings of a trainer that say where files go."""

_PATH = re.compile(r"([A-Za-z]:)?[\\/].*|\.{1,2}[\\/].*|~.*")


def public_config(config: Mapping[str, Any], cohort: str) -> dict[str, Any]:
    """A run's configuration with the cohort's fingerprint in the place of its folder, and names in that of paths."""
    trainer = {key: value for key, value in config.get("trainer", {}).items() if key not in PLACES}
    data = {key: cohort if key == "cohort" else value for key, value in config.get("data", {}).items()}
    hidden: dict[str, Any] = without_paths({**config, "data": data, "trainer": trainer})
    return hidden


def plain_yaml(config: Mapping[str, Any]) -> str:
    """A configuration as YAML without anchors, which a reader of packs refuses."""
    return yaml.dump(config, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def without_paths(value: Any) -> Any:
    """The same value with the last name in the place of every path."""
    if isinstance(value, Mapping):
        return {key: without_paths(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(one) for one in value]
    if isinstance(value, str) and _PATH.fullmatch(value):
        return PureWindowsPath(value).name  # which knows both kinds of slashes
    return value
