"""What one run is: a variant, a fold, a seed and the configuration that its result follows from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datamodules.files import digest

Config = dict[str, Any]

MOST_FOLDS = 1000
"""Far beyond any use; what claims more is damaged, or a slip of the pen."""

WITHOUT_EFFECT = (
    "data.workers",
    "data.cache",
    "trainer.enable_model_summary",
    "trainer.enable_progress_bar",
    "trainer.log_every_n_steps",
)
"""Settings that results don't depend on: they may change before a run goes on."""


@dataclass(frozen=True)
class Run:
    """One training: a variant on a fold with a seed.

    Attributes:
        experiment: Its experiment's name.
        variant: Row of the table.
        network: The variant's network.
        fold: Which fold is tested, from 0.
        seed: Of initial weights and of all random draws.
        config: The merged configuration, without what depends on where it runs.
    """

    experiment: str
    variant: str
    network: str
    fold: int
    seed: int
    config: Config

    @property
    def name(self) -> str:
        """`variant/fold-0-seed-0`, which is its folder as well."""
        return f"{self.variant}/fold-{self.fold}-seed-{self.seed}"

    @property
    def identity(self) -> str:
        """A hash of everything that the result depends on besides the cohort."""
        return digest([self.network, self.fold, self.seed, effective(self.config)])


def merge(*configs: Mapping[str, Any]) -> Config:
    """Later values over earlier ones, section by section; lists are replaced, not joined."""
    merged: Config = {}
    for config in configs:
        for key, value in config.items():
            known = merged.get(key)
            merged[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, Mapping) else value
    return merged


def flatten(config: Mapping[str, Any], prefix: str = "") -> Config:
    """Nested sections as one level of dotted keys."""
    flat: Config = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return flat


def nested(flat: Mapping[str, Any]) -> Config:
    """Undo `flatten`."""
    return merge(*(_under(name.split("."), value) for name, value in flat.items()))


def _under(keys: Sequence[str], value: Any) -> Config:
    return {keys[0]: _under(keys[1:], value) if len(keys) > 1 else value}


def effective(config: Mapping[str, Any]) -> Config:
    """The settings of a configuration that results depend on, as one level of dotted keys."""
    return {key: value for key, value in flatten(config).items() if key not in WITHOUT_EFFECT}
