"""`petmr report`: from run folders to tables, statistics, figures and one page; everything from cases on disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.report.drawings import drawings
from benchmark.report.facts import find_cohort, read_facts
from benchmark.report.metrics import HEADINGS
from benchmark.report.numbers import Numbers, compute
from benchmark.report.options import ReportOptions
from benchmark.report.page.alt_texts import alt_text
from benchmark.report.page.badge import read_badge
from benchmark.report.page.cost import cost_lines
from benchmark.report.page.downloads import carried, files_of, numbers_of, smallest
from benchmark.report.page.margins import margins
from benchmark.report.page.pictured import pictured
from benchmark.report.page.provenance import Provenance
from benchmark.report.page.render import ExperimentPage, render
from benchmark.report.page.sections import arrange
from benchmark.report.page.verdict import headline
from benchmark.report.pending import pending_runs
from benchmark.report.pictures import draw_all
from benchmark.report.sheets.calibration import calibration_sheets, calibration_table
from benchmark.report.sheets.consistency import consistency_sheets
from benchmark.report.sheets.covariates import Divided, covariate_sheets, divide
from benchmark.report.sheets.latex import latex
from benchmark.report.sheets.scores import cost_sheets, main_sheets, paper_sheets, structure_sheet
from benchmark.report.sheets.sheet import Sheet, markdown, marked
from benchmark.report.sheets.statistics import statistics_sheets
from benchmark.report.sheets.tuning import trials_of, tuning_sheets
from benchmark.runs.evidence import Evidence, gather
from benchmark.runs.images import images_of, packed_images
from benchmark.runs.joined import join
from benchmark.statistics.verdict import of_leader, sentences
from datamodules.cohort.store import Cohort, open_cohort
from datamodules.files import sha256, write_csv, write_json, write_text

PAGE = "report.html"
VERDICT = "verdict.json"
"""In the folder of each experiment: who leads, as data and in words."""

SHEETS: Mapping[str, Callable[[Evidence, Numbers], Iterator[Sheet]]] = {
    "comparison": main_sheets,
    "statistics": statistics_sheets,
    "paper": paper_sheets,
    "structures": lambda evidence, found: chain(
        [structure_sheet(evidence, found)], calibration_sheets(evidence, found)
    ),
    "agreement": consistency_sheets,
    "training": lambda evidence, found: chain(cost_sheets(evidence, found), tuning_sheets(evidence, found)),
}
"""Section of the page to its tables."""


Begin = Callable[[str], None]
"""Called with the name of each step that begins."""


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes:
        page: The HTML page.
        experiments: What it shows.
    """

    page: Path
    experiments: tuple[ExperimentPage, ...]


def report(
    folders: Sequence[Path],
    output: Path,
    options: ReportOptions = ReportOptions(),  # noqa: B008  frozen
    begin: Begin = lambda step: None,
    provenance: Provenance | None = None,
) -> Report:
    """Write the report of all experiments whose runs lie in some folders.

    Args:
        folders: Of experiments, or of single runs.
        output: Gets `report.html`, and a folder for each experiment with `cases.csv`, tables, numbers and figures.
        options: What it is to say, and how the experiments are read.
        begin: Called with the name of each step that begins: a report of large runs takes minutes.
        provenance: What the page says of its making; this process where not given.

    Raises:
        FileNotFoundError: If no run is complete.
        ValueError: If runs contradict each other, can't share a table, or their files can't be read.
    """
    pages = []
    begin("runs")
    found = gather(folders)
    if options.cohort:
        _require_match(open_cohort(options.cohort), found)
    for one in (join(found, options.together),) if options.together else found:
        evidence = replace(one, reading=one.reading.changed(options.changes))
        pages.append(write_experiment(evidence, folders, output / evidence.experiment, options, begin))
    page = output / PAGE
    begin("page")
    write_text(page, render(pages, provenance or Provenance.now()))
    return Report(page, tuple(pages))


def _require_match(cohort: Cohort, found: Sequence[Evidence]) -> None:
    known = {run.record.cohort: one.experiment for one in found for run in one.runs}
    if cohort.fingerprint not in known:
        listed = ", ".join(f"{fingerprint} ({experiment})" for fingerprint, experiment in known.items())
        raise ValueError(f"{cohort.path}: is the cohort {cohort.fingerprint}; these runs are of {listed}.")


def write_experiment(
    evidence: Evidence, folders: Sequence[Path], folder: Path, options: ReportOptions, begin: Begin
) -> ExperimentPage:
    """Write tables, numbers and figures of one experiment, and give what the page shows of it."""
    begin(f"{evidence.experiment}: statistics")
    found, cohort = compute(evidence), find_cohort(evidence, options.cohort)
    divided = divide(evidence, list(dict.fromkeys([*evidence.reading.by, *options.by])), cohort)
    begin(f"{evidence.experiment}: tables")
    sheets, verdict = write_tables(evidence, found, divided, folder), found.verdict
    title, answers = headline(verdict, found.names), sentences(verdict, found.names, HEADINGS)
    write_json(folder / VERDICT, _known({"headline": title, "answers": answers, **asdict(verdict)}))
    begin(f"{evidence.experiment}: figures")
    browser, middle = pictured(evidence, cohort, found.names) if cohort else (None, None)
    pictures = draw_all(tuple(drawings(evidence, found, middle)), folder / "figures")
    facts = read_facts(evidence, cohort)
    every = [sheet for section in sheets.values() for sheet in section]
    return ExperimentPage(
        name=evidence.experiment,
        remark=evidence.remark,
        headline=title,
        answers=answers,
        leader=found.names.get(verdict.leader, ""),
        margins=margins(of_leader(found.dice, verdict.leader), found.dice.ends, found.names),
        badge=read_badge(evidence, images_of(cohort) if cohort else packed_images(evidence.places)),
        cost=cost_lines(found.costs, verdict.leader),
        sections=arrange(sheets, pictures),
        sheets=sheets,
        alts={picture.name: alt_text(picture, found) for picture in pictures},
        files=carried([*files_of(every, folder), *smallest(numbers_of(pictures, folder))]),
        browser=browser,
        facts=facts,
        hashes={**facts.fingerprints, "cases.csv": sha256(folder / "cases.csv")},
        pending=pending_runs(evidence, folders),
    )


def write_tables(evidence: Evidence, found: Numbers, divided: Divided, folder: Path) -> dict[str, tuple[Sheet, ...]]:
    """Write cases and numbers as CSV, and every sheet as CSV, Markdown and LaTeX."""
    write_csv(folder / "cases.csv", evidence.cases)
    for name, table in {**found.files(), **_further(evidence, divided)}.items():
        write_csv(folder / "numbers" / f"{name}.csv", table)
    made = {section: tuple(sheets(evidence, found)) for section, sheets in SHEETS.items()}
    made["covariates"] = tuple(covariate_sheets(evidence, found, divided))
    for each in (sheet for sheets in made.values() for sheet in sheets):
        write_text(folder / "tables" / f"{each.name}.md", markdown(each))
        write_text(folder / "tables" / f"{each.name}.tex", latex(each, evidence.experiment))
        write_csv(folder / "tables" / f"{each.name}.csv", marked(each, "{}", "{}"))
    return made


def _further(evidence: Evidence, divided: Divided) -> dict[str, pd.DataFrame]:
    """Name to table, of those that hold anything and aren't computed from cases alone."""
    tables = {
        "tuning": trials_of(evidence),
        "by_covariate": divided.summary,
        "covariate_tests": divided.tests,
        "calibration": calibration_table(evidence),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _known(value: Any) -> Any:
    """The same value for JSON, which has no NaN."""
    if isinstance(value, dict):
        return {name: _known(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value
