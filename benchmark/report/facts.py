"""How results came about: runs and their times, configuration, certificate of folds, versions and hardware."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmark.report.certificate import CheckedFolds, check_folds, packed_folds
from benchmark.runs.adopted import is_adopted
from benchmark.runs.contributions import contributions
from benchmark.runs.evidence import Evidence
from datamodules.cohort.store import Cohort, open_cohort
from datamodules.files import read_json

REPORTED_BY = ("petmr-bench", "pandas", "scipy", "matplotlib")
"""Packages that a report's numbers and figures come from."""

COSTS = ("seconds", "seconds_per_subject", "parameters", "gmac")
"""What a finished run records of its cost."""

PLACES = ("logger", "callbacks", "default_root_dir")
"""Trainer settings that say where files go, not what is computed."""


@dataclass(frozen=True)
class Facts:
    """What a reader needs to judge and repeat an experiment.

    Attributes:
        runs: run, state, seconds, steps.
        settings: Variant to its network with settings.
        config: The configuration that all variants share, as YAML.
        fingerprints: Of cohort and folds.
        folds: The certificate of folds.
        environment: Hardware and versions of packages, as the runs recorded them, and those of the report.
        contributions: Who contributed which runs, of `runs.contributions`.
    """

    runs: pd.DataFrame
    settings: Mapping[str, str]
    config: str
    fingerprints: Mapping[str, str]
    folds: CheckedFolds
    environment: Mapping[str, str]
    contributions: pd.DataFrame


def read_facts(evidence: Evidence, cohort: Cohort | None) -> Facts:
    """Collect the facts of an experiment; without its cohort there is no certificate of folds."""
    configs = {run.name: run.folder.read_config() for run in evidence.runs}
    done = {run.name: read_json(run.folder.done) for run in evidence.runs}
    first = evidence.runs[0]
    trained = [run for run in evidence.runs if not is_adopted(run.record)]
    return Facts(
        runs=_run_table(evidence, done),
        settings={run.record.variant: _network(configs[run.name]) for run in evidence.runs},
        config=yaml.safe_dump(_shared([configs[run.name] for run in trained]), sort_keys=False) if trained else "",
        fingerprints={"cohort": first.record.cohort, "folds": first.record.splits},
        folds=check_folds(first.record, configs[first.name]["data"], cohort) if cohort else packed_folds(first),
        environment=_environment(done),
        contributions=contributions(evidence),
    )


def find_cohort(evidence: Evidence, given: Path | None = None) -> Cohort | None:
    """The cohort of an experiment where its runs say it is, or where else it is said to be.

    None if it's gone, of another format, or another by now.
    """
    for run in evidence.runs:
        path = given or Path(run.folder.read_config()["data"]["cohort"])
        if (path / "cohort.json").is_file():
            with suppress(ValueError):
                cohort = open_cohort(path)
                return cohort if cohort.fingerprint == run.record.cohort else None
    return None


def read_costs(evidence: Evidence) -> pd.DataFrame:
    """Median cost of the runs of every variant, as far as they recorded it.

    Returns:
        One row per variant: variant, minutes (of training with its validations), seconds_per_subject (of the test),
        parameters_m, gmac.
    """
    trained = [run for run in evidence.runs if not is_adopted(run.record)]
    recorded = [{"variant": run.record.variant, **read_json(run.folder.done)} for run in trained]
    table = pd.DataFrame(recorded).reindex(columns=["variant", *COSTS]).astype(dict.fromkeys(COSTS, float))
    costs = table.groupby("variant", sort=False).median().reset_index()
    return costs.assign(minutes=costs["seconds"] / 60, parameters_m=costs["parameters"] / 1e6)


def _run_table(evidence: Evidence, done: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "run": run.name,
            "state": "adopted" if is_adopted(run.record) else "counted",
            "seconds": done[run.name].get("seconds"),
            "steps": done[run.name].get("steps"),
            "identity": run.record.identity,
        }
        for run in evidence.runs
    ]
    rows += [{"run": gap.run, "state": gap.reason} for gap in evidence.gaps]
    return pd.DataFrame(rows, columns=["run", "state", "seconds", "steps", "identity"])


def _network(config: Mapping[str, Any]) -> str:
    network = config["model"]["network"]
    settings = ", ".join(f"{key}={value}" for key, value in network.get("init_args", {}).items())
    return f"{network['class_path']}({settings})"


def _shared(configs: list[dict[str, Any]]) -> dict[str, Any]:
    """What all runs have in common, without networks and places."""
    flat = [dict(_leaves(config)) for config in configs]
    common = {key: value for key, value in flat[0].items() if all(key in one and one[key] == value for one in flat)}
    shared: dict[str, Any] = {}
    for keys, value in common.items():
        if keys[:2] == ("model", "network") or keys[-1] in PLACES:
            continue
        section = shared
        for key in keys[:-1]:
            section = section.setdefault(key, {})
        section[keys[-1]] = value
    return shared


def _leaves(config: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    leaves: list[tuple[tuple[str, ...], Any]] = []
    for key, value in config.items():
        leaves += _leaves(value, (*above, key)) if isinstance(value, dict) else [((*above, key), value)]
    return leaves


def _environment(done: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Hardware and versions as the runs recorded them, and of this report; what differs between runs is all named."""
    recorded = [{"hardware": entry.get("hardware"), **entry.get("versions", {})} for entry in done.values()]
    names = dict.fromkeys(name for entry in recorded for name in entry)
    found = {name: dict.fromkeys(str(one[name]) for one in recorded if one.get(name)) for name in names}
    own = ", ".join(f"{name} {version(name)}" for name in REPORTED_BY)
    return {**{name: "; ".join(values) for name, values in found.items() if values}, "this report": own}
