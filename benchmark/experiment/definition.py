"""An experiment: variants of networks x folds x seeds, expanded into runs with a stable identity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from benchmark.experiment.conditions import Conditions
from benchmark.launching.resources import Resources
from benchmark.runs.settings import Config, Run, merge

SHIPPED = Path(__file__).parents[2] / "experiments"
"""Installed beside this package, as every room of the project is."""

NAME = r"\w[\w.+-]*"
RESERVED = ("report", "slurm", "wandb")
"""Folders that stand beside those of the variants."""


@dataclass(frozen=True)
class Variant:
    """One row of a table.

    Attributes:
        network: A name in `experiments/networks/`, or the class path of a network of your own.
        settings: Arguments of the network that differ from its defaults.
        config: Anything else that differs for this row: sections `data`, `model` and `trainer`.
    """

    network: str
    settings: dict[str, Any] = field(default_factory=dict)
    config: Config = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """A grid of runs.

    Attributes:
        name: Names its folder, and its group in Weights & Biases.
        variants: Row of the table to what is trained for it.
        folds: Number of folds of the cohort; all of them are run.
        seeds: Each fold is run once for each.
        split_seed: Of the folds, which every variant and seed shares.
        cohort: Prepared cohort, beside the file where the path isn't absolute; `--cohort` comes first.
        scale: A name in `experiments/scales/`: patch size, training length, and `networks`, settings of each.
        config: What differs for all runs: sections `data`, `model` and `trainer`.
        conditions: Under which finished runs are tested again, as `petmr evaluate` does.
        resources: What a run asks of a cluster, for `--launcher slurm`.

    Raises:
        ValueError: If names can't be folders, or there is nothing to run.
    """

    name: str
    variants: dict[str, Variant]
    folds: int = 5
    seeds: list[int] = field(default_factory=lambda: [0])
    split_seed: int = 0
    cohort: str | None = None
    scale: str = "paper"
    config: Config = field(default_factory=dict)
    conditions: Conditions = Conditions()  # noqa: RUF009  frozen
    resources: Resources = Resources()  # noqa: RUF009  frozen

    def __post_init__(self) -> None:
        odd = [name for name in (self.name, *self.variants) if not re.fullmatch(NAME, name) or name in RESERVED]
        if odd:
            raise ValueError(
                f"The experiment and its variants name folders: {', '.join(odd)} can't be one. Use letters, digits, "
                f"'_', '-', '.' and '+', beginning with a letter or digit, and not {', '.join(RESERVED)}."
            )
        if not self.variants or not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(
                f"'{self.name}' needs at least one variant and one seed, and each seed once: it has "
                f"{len(self.variants)} variants and seeds {self.seeds}."
            )


def load_experiment(path: Path, scale: str | None = None) -> Experiment:
    """Read an experiment file.

    Args:
        path: The file.
        scale: A name in `experiments/scales/` to use instead of the file's; it joins the experiment's name.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it isn't an experiment, names an unknown network or scale, or a variant can't be a folder's name.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such experiment file.")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Experiment, "experiment")
    try:
        parsed = parser.parse_object({"experiment": _read(path)})
        experiment: Experiment = parser.instantiate_classes(parsed).experiment
    except (ArgumentError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: is no experiment: {error}") from error
    experiment = _located(experiment, path.parent)
    if scale not in (None, experiment.scale):
        experiment = replace(experiment, name=f"{experiment.name}-{scale}", scale=scale)
    expand(experiment)
    return experiment


def _located(experiment: Experiment, beside: Path) -> Experiment:
    """The experiment with paths that hold wherever the command runs."""
    cohort = str(beside / experiment.cohort) if experiment.cohort else None
    others = {name: str(beside / place) for name, place in experiment.conditions.cohorts.items()}
    return replace(experiment, cohort=cohort, conditions=replace(experiment.conditions, cohorts=others))


def expand(experiment: Experiment) -> tuple[Run, ...]:
    """All runs of an experiment, fold by fold, so that early folds compare all variants.

    Raises:
        ValueError: If a network or scale is unknown.
    """
    shared = [_shipped("base"), _shipped("scales", experiment.scale), experiment.config]
    return tuple(
        Run(experiment.name, name, variant.network, fold, seed, _resolve(shared, variant, experiment, fold, seed))
        for seed in experiment.seeds
        for fold in range(experiment.folds)
        for name, variant in experiment.variants.items()
    )


def _resolve(shared: Sequence[Config], variant: Variant, experiment: Experiment, fold: int, seed: int) -> Config:
    base, scale, own = shared
    widths = scale.get("networks", {}).get(variant.network, {})
    general = {key: value for key, value in scale.items() if key != "networks"}
    settings = {"model": {"network": {"init_args": {**widths, **variant.settings}}}}
    data = {"folds": experiment.folds, "fold": fold, "split_seed": experiment.split_seed, "seed": seed}
    place = {"seed_everything": seed, "data": data}
    return merge(base, general, network_config(variant.network), own, variant.config, settings, place)


def network_config(name: str) -> Config:
    """The layer of a configuration that names a network: shipped, or a class path.

    Raises:
        ValueError: If it is neither; the message lists the shipped names.
    """
    if "." in name:
        return {"model": {"network": {"class_path": name}}}
    return _shipped("networks", name)


def shipped(*folder: str) -> tuple[str, ...]:
    """Names of the YAML files in `experiments/` or a folder of it."""
    return tuple(sorted(path.stem for path in SHIPPED.joinpath(*folder).glob("*.yaml")))


def _shipped(*parts: str) -> Config:
    *folder, name = parts
    if name not in shipped(*folder):
        kind = folder[0].removesuffix("s").capitalize() if folder else "Configuration"
        hint = ", or name the class path of your own, such as my_package.MyNetwork" if folder == ["networks"] else ""
        raise ValueError(f"{kind} '{name}' isn't known: choose one of {', '.join(shipped(*folder))}{hint}.")
    config: Config = _read(SHIPPED.joinpath(*folder, f"{name}.yaml"))
    return config


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is no YAML: {error}") from error
