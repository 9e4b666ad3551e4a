"""What kind of data and training a result rests on, said beside it: simulated or measured, how fine, how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from benchmark.report.how_trained import about_of
from benchmark.runs.evidence import Evidence
from benchmark.runs.settings import flatten
from datamodules.cohort.store import Cohort
from datamodules.files import read_json

SCALES = Path(__file__).parents[3] / "experiments" / "scales"
"""Installed beside this package, as every room of the project is."""

SIMULATED, MEASURED, UNKNOWN = "simulated", "measured", "not known if simulated"
FEW_STEPS = 1000
"""Below which a network has hardly begun to learn; the paper's take 20,000."""


@dataclass(frozen=True)
class Badge:
    """What a reader must know before believing a number.

    Attributes:
        origin: Of the images: `SIMULATED`, `MEASURED` or `UNKNOWN`.
        lines: What to its value, for people.
        warning: What the result can't say; may be empty.
    """

    origin: str
    lines: Mapping[str, str]
    warning: str


def read_badge(evidence: Evidence, cohort: Cohort | None) -> Badge:
    """Collect it from the cohort and the configurations of all runs; without the cohort much isn't known."""
    configs = [run.folder.read_config() for run in evidence.runs]
    steps = [int(read_json(run.folder.done).get("steps", 0)) for run in evidence.runs]
    trained = sorted({step for step in steps if step})
    origin = origin_of(cohort)
    lines = {
        "images": f"{origin}{_what(cohort)}",
        "voxels": _voxels(cohort),
        "subjects": _subjects(evidence, cohort),
        "training": f"{_steps(trained)}, scale {_scale(evidence, configs)}",
        "repeated": _repeated(evidence),
    }
    return Badge(origin, {name: text for name, text in lines.items() if text}, warning_of(origin, trained))


def origin_of(cohort: Cohort | None) -> str:
    """Whether images were simulated, by the manufacturer that their sidecars name; unknown where one names none."""
    if cohort is None:
        return UNKNOWN
    makers = [_manufacturer(subject.acquisition) for subject in cohort.subjects.values()]
    if not all(makers):
        return UNKNOWN
    simulated = [SIMULATED in maker.lower() for maker in makers]
    return SIMULATED if all(simulated) else f"{MEASURED} and {SIMULATED}" if any(simulated) else MEASURED


def _manufacturer(acquisition: Mapping[str, Mapping[str, Any]]) -> str:
    named = (str(told["Manufacturer"]) for told in acquisition.values() if told.get("Manufacturer"))
    return next(named, "")


def warning_of(origin: str, steps: Sequence[int]) -> str:
    """What a result on such data, after such training, can't say."""
    if steps and max(steps) < FEW_STEPS:
        return f"A smoke test of {max(steps)} steps (the paper: 20,000): no statement about the networks."
    return "No statement about patients: no image of a person is in here." if origin == SIMULATED else ""


def _scale(evidence: Evidence, configs: Sequence[Mapping[str, Any]]) -> str:
    """The scale that the experiments asked for, and whether all its settings were kept; else which one it was."""
    found, asked = scale_of(configs), dict.fromkeys(about.scale for about in about_of(evidence) if about.scale)
    if not asked or list(asked) == [found]:
        return found
    return f"{' and '.join(asked)} with settings of the experiment"


def scale_of(configs: Sequence[Mapping[str, Any]]) -> str:
    """The shipped scale all of whose settings every run has, its networks' widths aside."""
    flat = [flatten(config) for config in configs]
    return next((name for name, scale in _scales().items() if all(scale.items() <= one.items() for one in flat)), "own")


@cache
def _scales() -> dict[str, Mapping[str, Any]]:
    read = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(SCALES.glob("*.yaml"))}
    return {
        name: flatten({section: values for section, values in scale.items() if section != "networks"})
        for name, scale in read.items()
    }


def _what(cohort: Cohort | None) -> str:
    if cohort is None:
        return "; the cohort isn't where the runs found it"
    modalities = " and ".join(map(str.upper, cohort.modalities))
    return f", {modalities}, {cohort.protocol.num_classes - 1} structures ({cohort.protocol.name})"


def _voxels(cohort: Cohort | None) -> str:
    if cohort is None:
        return ""
    sides = [subject.stored.spacing for subject in cohort.subjects.values()]
    ranges = dict.fromkeys(_range(along) for along in zip(*sides, strict=True))
    return f"{' × '.join(ranges)} mm"


def _range(values: Sequence[float]) -> str:
    least, most = (f"{value:.3g}" for value in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"


def _subjects(evidence: Evidence, cohort: Cohort | None) -> str:
    tested = evidence.cases["subject"].nunique()
    if cohort is None:
        return f"{tested} tested"
    groups = len({cohort.groups[subject] for subject in cohort.subjects})
    return f"{tested} tested of {len(cohort.subjects)}, in {groups} groups"


def _steps(steps: Sequence[int]) -> str:
    if not steps:
        return "steps not recorded"
    return f"{steps[0]:,} steps" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,} steps"


def _repeated(evidence: Evidence) -> str:
    folds = len({run.record.fold for run in evidence.runs})
    seeds = len({run.record.seed for run in evidence.runs})
    return f"{folds} fold{'s' * (folds > 1)}, {seeds} seed{'s' * (seeds > 1)}"
