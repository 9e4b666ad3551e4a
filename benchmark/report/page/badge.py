"""What kind of data and training a result rests on, said beside it: simulated or measured, how fine, how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from benchmark.report.how_trained import about_of
from benchmark.runs.evidence import Evidence
from benchmark.runs.images import SIMULATED, UNKNOWN, Images
from benchmark.runs.settings import flatten
from datamodules.files import read_json

SCALES = Path(__file__).parents[3] / "experiments" / "scales"
"""Installed beside this package, as every room of the project is."""

FEW_STEPS = 1000
"""Below which a network has hardly begun to learn; the paper's take 20,000."""


@dataclass(frozen=True)
class Badge:
    """What a reader must know before believing a number.

    Attributes:
        origin: Of the images, one of `benchmark.runs.images.ORIGINS`.
        lines: What to its value, for people.
        warning: What the result can't say; may be empty.
    """

    origin: str
    lines: Mapping[str, str]
    warning: str


def read_badge(evidence: Evidence, images: Images | None) -> Badge:
    """Collect it from what is known of the images and the configurations of all runs."""
    configs = [run.folder.read_config() for run in evidence.runs]
    steps = [int(read_json(run.folder.done).get("steps", 0)) for run in evidence.runs]
    trained = sorted({step for step in steps if step})
    origin = images.origin if images else UNKNOWN
    lines = {
        "images": f"{origin}{_what(images)}",
        "voxels": images.voxels if images else "",
        "subjects": _subjects(evidence, images),
        "training": f"{_steps(trained)}, scale {_scale(evidence, configs)}",
        "repeated": _repeated(evidence),
    }
    return Badge(origin, {name: text for name, text in lines.items() if text}, warning_of(origin, trained))


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


def _what(images: Images | None) -> str:
    if images is None:
        return "; the cohort isn't where the runs found it"
    modalities = " and ".join(map(str.upper, images.modalities))
    return f", {modalities}, {images.structures} structures ({images.protocol})"


def _subjects(evidence: Evidence, images: Images | None) -> str:
    tested = evidence.cases["subject"].nunique()
    if images is None:
        return f"{tested} tested"
    return f"{tested} tested of {images.subjects}, in {images.groups} groups"


def _steps(steps: Sequence[int]) -> str:
    if not steps:
        return "steps not recorded"
    return f"{steps[0]:,} steps" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,} steps"


def _repeated(evidence: Evidence) -> str:
    folds = len({run.record.fold for run in evidence.runs})
    seeds = len({run.record.seed for run in evidence.runs})
    return f"{folds} fold{'s' * (folds > 1)}, {seeds} seed{'s' * (seeds > 1)}"
