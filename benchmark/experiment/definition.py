"""An experiment: variants of networks x folds x seeds, expanded into runs with a stable identity."""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, get_loader

from benchmark.experiment.conditions import Conditions
from benchmark.launching.resources import Resources
from benchmark.runs.about import About
from benchmark.runs.reading import Order, Reading
from benchmark.runs.settings import MOST_FOLDS, Config, Run, effective, merge
from benchmark.runs.tuned import Tuned, read_tuned
from benchmark.scoring.absence import Absent
from datamodules.tables import FORMULA

SHIPPED = Path(__file__).parents[2] / "experiments"
"""Installed beside this package, as every room of the project is."""

NAME = r"\w[\w.+-]*"
FREE = ("settings", "config")
"""Sections of a variant that hold whatever its network and Lightning take."""
RESERVED = ("report", "slurm", "wandb")
"""Folders that stand beside those of the variants."""


@dataclass(frozen=True)
class Variant:
    """One row of a table.

    Attributes:
        network: A name in `experiments/networks/`, or the class path of a network of your own.
        settings: Arguments of the network that differ from its defaults.
        config: Anything else that differs for this row: sections `data`, `model` and `trainer`.
        recipe: Instead of the experiment's.
        label: Its name in tables and figures, where it isn't its network's; results don't depend on it.
    """

    network: str
    settings: dict[str, Any] = field(default_factory=dict)
    config: Config = field(default_factory=dict)
    recipe: str | None = None
    label: str = ""


@dataclass(frozen=True)
class ReportSettings:
    """How the report of an experiment reads its runs, as of `Reading`; `petmr report` can say otherwise.

    Attributes:
        absent: Whether the leading distance charges missed and spurious structures the volume's diagonal
            ("penalise"), or leaves them out ("exclude"); it prints both.
        scored: Structures that means are over; all where none is named.
        order: Of networks, by rank or as in the paper's Table 1.
        by: Covariates by which it divides the subjects, such as sex, scanner, or age:50,65 for bands.
    """

    absent: Absent = "penalise"
    scored: list[str] = field(default_factory=list)
    order: Order = "rank"
    by: list[str] = field(default_factory=list)


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
        recipe: A name in `experiments/recipes/`: how networks are trained, the paper's way or another.
        tuned: What `petmr tune` has written, beside the file where the path isn't absolute; it comes over all else.
        config: What differs for all runs: sections `data`, `model` and `trainer`.
        conditions: Under which finished runs are tested again, as `petmr evaluate` does.
        resources: What a run asks of a cluster, for `--launcher slurm`.
        report: How its report reads the runs.

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
    recipe: str = "paper"
    tuned: str | None = None
    config: Config = field(default_factory=dict)
    conditions: Conditions = Conditions()  # noqa: RUF009  frozen
    resources: Resources = Resources()  # noqa: RUF009  frozen
    report: ReportSettings = ReportSettings()

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
        if self.folds is None or not 2 <= self.folds <= MOST_FOLDS:
            raise ValueError(f"'{self.name}' needs 2 to {MOST_FOLDS} folds: it has {self.folds}.")
        labels = [variant.label for variant in self.variants.values() if variant.label]
        if len(set(labels)) < len(labels):
            raise ValueError(f"'{self.name}' gives two variants one label; each needs its own: {', '.join(labels)}.")
        if computed := [label for label in labels if FORMULA.fullmatch(label)]:
            raise ValueError(
                f"'{self.name}' has the label {computed[0]!r}: a spreadsheet would compute it. Begin it with a letter "
                "or a digit."
            )

    @property
    def reading(self) -> Reading:
        """How its report reads the runs."""
        labels = {name: variant.label for name, variant in self.variants.items() if variant.label}
        return Reading(labels, **vars(self.report))


def load_experiment(path: Path, scale: str | None = None, tuned: Path | None = None) -> Experiment:
    """Read an experiment file.

    Args:
        path: The file, or the name of a shipped one, such as `overall`; a file of that name comes first.
        scale: A name in `experiments/scales/` to use instead of the file's; it joins the experiment's name.
        tuned: What `petmr tune` has written, instead of what the file names.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it isn't an experiment, names an unknown network, scale or recipe, or a name can't be a folder's.
    """
    path = _found(path)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Experiment, "experiment")
    written = _read(path)
    try:
        parsed = parser.parse_object({"experiment": deepcopy(written)})  # which it changes
        experiment = _as_written(parser.instantiate_classes(parsed).experiment, written)
        _check_sections(experiment)
    except (ArgumentError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: is no experiment: {error}") from error
    experiment = _located(experiment, path.parent)
    if tuned:
        experiment = replace(experiment, tuned=str(tuned))
    if scale not in (None, experiment.scale):
        experiment = replace(experiment, name=f"{experiment.name}-{scale}", scale=scale)
    expand(experiment)
    return experiment


def _found(path: Path) -> Path:
    if path.is_file():
        return path
    if str(path) in shipped() and str(path) != "base":
        return SHIPPED / f"{path}.yaml"
    raise FileNotFoundError(
        f"{path}: there is no such experiment file; `petmr list` names those that come with the suite."
    )


def _as_written(experiment: Experiment, written: Config) -> Experiment:
    """The experiment with its free sections as the file has them: the parser makes objects of what has a class path."""
    variants = {}
    for name, variant in experiment.variants.items():
        own = written["variants"][name]
        free: Config = {key: own[key] or {} for key in FREE if key in own}
        variants[name] = replace(variant, **free)
    return replace(experiment, variants=variants, config=written.get("config") or {})


def _check_sections(experiment: Experiment) -> None:
    """Refuse configurations that aren't sections of settings."""
    own = {f"variants.{name}.config": variant.config for name, variant in experiment.variants.items()}
    for place, config in {"config": experiment.config, **own}.items():
        for name, section in config.items():
            if not isinstance(section, dict):
                raise ValueError(f"{place}.{name} is {section!r}; expected settings by name.")
        if not isinstance(_callbacks(config), list):
            raise ValueError(f"{place}.trainer.callbacks is {_callbacks(config)!r}; expected a list.")


def _located(experiment: Experiment, beside: Path) -> Experiment:
    """The experiment with paths that hold wherever the command runs."""
    cohort = str(beside / experiment.cohort) if experiment.cohort else None
    tuned = str(beside / experiment.tuned) if experiment.tuned else None
    others = {name: str(beside / place) for name, place in experiment.conditions.cohorts.items()}
    return replace(experiment, cohort=cohort, tuned=tuned, conditions=replace(experiment.conditions, cohorts=others))


def expand(experiment: Experiment) -> tuple[Run, ...]:
    """All runs of an experiment, fold by fold, so that early folds compare all variants.

    Raises:
        ValueError: If a network, scale or recipe is unknown.
    """
    shared = [_shipped("base"), _shipped("scales", experiment.scale), experiment.config]
    found = tuned_of(experiment)
    layers = {name: found.config(name) if found else {} for name in experiment.variants}
    return tuple(
        Run(
            experiment.name,
            name,
            variant.network,
            fold,
            seed,
            merge(_resolve(shared, variant, experiment, fold, seed), layers[name]),
        )
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
    recipe, differing = _shipped("recipes", variant.recipe or experiment.recipe), merge(own, variant.config)
    callbacks = [*_callbacks(recipe), *_callbacks(differing)]  # a recipe's own must not go for want of a list's name
    joined = {"trainer": {"callbacks": callbacks}} if callbacks else {}
    return merge(base, general, network_config(variant.network), recipe, differing, joined, settings, place)


def about(experiment: Experiment) -> About:
    """How the rows of an experiment are trained."""
    recipes = {name: variant.recipe or experiment.recipe for name, variant in experiment.variants.items()}
    own = tuple(name for name, variant in experiment.variants.items() if _has_own(experiment.config, variant.config))
    return About(experiment.scale, recipes, own, tuned_of(experiment))


def _has_own(*configs: Config) -> bool:
    """Whether a training is given settings that neither scale nor recipe has; which modalities it sees is the row."""
    names = [name for config in configs for name in effective(config)]
    return any(name.split(".")[0] in ("data", "model") and name != "data.modalities" for name in names)


def tuned_of(experiment: Experiment) -> Tuned | None:
    """What was tuned for an experiment; None where nothing was.

    Raises:
        FileNotFoundError: If the file isn't there.
        ValueError: If it isn't what `petmr tune` writes, or is of other rows or networks.
    """
    if experiment.tuned is None:
        return None
    found = read_tuned(Path(experiment.tuned))
    rows = {name: variant.network for name, variant in experiment.variants.items()}
    if wrong := [f"{name} ({one.network})" for name, one in found.variants.items() if rows.get(name) != one.network]:
        raise ValueError(
            f"{experiment.tuned}: holds settings of {', '.join(wrong)}; '{experiment.name}' has "
            f"{', '.join(f'{name} ({network})' for name, network in rows.items())}."
        )
    return found


def _callbacks(config: Config) -> list[Any]:
    callbacks: list[Any] = config.get("trainer", {}).get("callbacks", [])
    return callbacks


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
        return get_loader("yaml")(path.read_text(encoding="utf-8"))  # to which 1e-3 is a number, as to Lightning
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no YAML: {error}") from error
