"""The report as one HTML page that needs nothing but itself."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.report.drawings import Picture
from benchmark.report.facts import Facts
from benchmark.report.numbers import Numbers
from benchmark.report.sheet import Sheet, equation
from benchmark.runs.evidence import Evidence
from benchmark.statistics import significance

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Sheets:
    """All sheets of an experiment, by section of the page."""

    main: tuple[Sheet, ...]
    paper: tuple[Sheet, ...]
    statistics: tuple[Sheet, ...]
    structures: tuple[Sheet, ...]
    consistency: tuple[Sheet, ...]
    tuning: tuple[Sheet, ...]
    covariates: tuple[Sheet, ...]
    calibration: tuple[Sheet, ...]

    @property
    def all(self) -> tuple[Sheet, ...]:
        """In the order of the page."""
        return (
            self.main
            + self.paper
            + self.statistics
            + self.structures
            + self.consistency
            + self.tuning
            + self.covariates
        )


@dataclass(frozen=True)
class ExperimentPage:
    """What the page shows of one experiment."""

    name: str
    remark: str
    finding: str
    seeds: str
    sheets: Sheets
    pictures: tuple[Picture, ...]
    facts: Facts
    viewer: dict[str, Any]

    def sections(self) -> list[tuple[str, str]]:
        """Anchors and texts of the contents."""
        there = {
            "comparison": ("Comparison", True),
            "paper": ("Beside the paper", bool(self.sheets.paper)),
            "statistics": ("Statistics", bool(self.sheets.statistics)),
            "structures": ("Structures", True),
            "pictures": ("Pictures", bool(self.viewer["subjects"])),
            "training": ("Training and cost", True),
            "conditions": ("Conditions", True),
        }
        return [(anchor, text) for anchor, (text, shown) in there.items() if shown]


def render(experiments: Sequence[ExperimentPage]) -> str:
    """Render the page, with styles, script, figures and volumes inside."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(png=_base64, cell=_cell)
    css, js = (Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js"))
    title = f"Report: {', '.join(one.name for one in experiments)}"
    return templates.get_template("report.html.j2").render(title=title, css=css, js=js, experiments=experiments)


def finding(evidence: Evidence, found: Numbers) -> str:
    """The result in a sentence or two: which variant leads, by how much, and if that can be believed."""
    complete, tests = found.dice.scores.shape[1], found.dice.tests
    if complete < 2:
        return "Fewer than two networks are complete, so none can be said to lead."
    ordered = found.dice.intervals.sort_values("mean", ascending=False, kind="stable")
    best, second = ordered.iloc[0], ordered.iloc[1]
    pair = {best["variant"], second["variant"]}
    of_pair = [{first, other} == pair for first, other in zip(tests["first"], tests["second"], strict=True)]
    (p,) = tests.loc[of_pair, "p_holm"]
    among = f"Of the {complete} complete networks, " if evidence.incomplete else ""
    return (
        f"{among}{best['variant']} has the highest mean Dice, {best['mean']:.4f} (95 % interval {best['low']:.4f} to "
        f"{best['high']:.4f}), {best['mean'] - second['mean']:.4f} above {second['variant']} "
        f"(p {equation(p)} after Holm{_verdict(float(p), tests)})."
    )


def _verdict(p: float, tests: pd.DataFrame) -> str:
    if p < significance.LEVEL:
        return ""
    return ", too few subjects for any to be significant" if significance.too_few(tests) else ", not significant"


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _cell(value: object) -> str:
    """A cell of a table of facts."""
    if isinstance(value, float):
        return f"{value:.10g}" if np.isfinite(value) else "–"
    return str(value)
