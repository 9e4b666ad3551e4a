"""The report as one HTML page, rendered from what is known of each experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.report.facts import Facts
from benchmark.report.page.badge import Badge
from benchmark.report.page.margins import Margin
from benchmark.report.page.provenance import Provenance
from benchmark.report.page.sections import Section
from benchmark.report.page.typography import tight
from benchmark.report.pending import PendingRun, in_words
from benchmark.report.sheets.sheet import Sheet

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("base.css", "first.css", "tables.css", "figures.css", "browser.css", "print.css")
SCRIPTS = ("files.js", "tables.js", "figures.js", "slices.js", "browser.js", "gallery.js")


@dataclass(frozen=True)
class ExperimentPage:
    """What the page shows of one experiment.

    Attributes:
        name: Its name.
        remark: What is missing; may be empty.
        headline: The verdict in a few words.
        answers: The verdict in sentences, by what a reader asks.
        leader: Who leads, for print; empty where nobody does.
        margins: How far it is ahead of every other network.
        badge: On what data.
        cost: Of the leader, name to value.
        sections: Tables and figures.
        sheets: All tables, by section.
        alts: Name of a figure to what it shows.
        files: For downloads.
        browser: Data of the slice browser; None without pictures.
        facts: How it came about.
        hashes: What to its fingerprint.
        pending: Runs that are still to come.
    """

    name: str
    remark: str
    headline: str
    answers: Mapping[str, str]
    leader: str
    margins: tuple[Margin, ...]
    badge: Badge
    cost: Mapping[str, str]
    sections: tuple[Section, ...]
    sheets: Mapping[str, tuple[Sheet, ...]]
    alts: Mapping[str, str]
    files: Mapping[str, str]
    browser: dict[str, Any] | None
    facts: Facts
    hashes: Mapping[str, str]
    pending: tuple[PendingRun, ...] = ()


def render(experiments: Sequence[ExperimentPage], provenance: Provenance) -> str:
    """Render the page, with styles, scripts, figures and volumes inside."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(cell=_cell, tight=tight, states=in_words)
    return templates.get_template("page.html.j2").render(
        title=", ".join(one.name for one in experiments),
        css=_joined(STYLES),
        js=_joined(SCRIPTS),
        experiments=experiments,
        provenance=provenance,
    )


def _joined(names: Sequence[str]) -> Markup:
    return Markup("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names))


def _cell(value: object) -> str:
    """A cell of a table of facts."""
    if isinstance(value, float):
        return f"{value:.10g}" if np.isfinite(value) else "–"
    return str(value)
