"""A report as the verbs make it: with progress, and its verdict and main tables in the terminal."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.text import Text

from benchmark.console import show_table, stdout, steps
from benchmark.report.options import ReportOptions
from benchmark.report.page.render import ExperimentPage
from benchmark.report.sheets.sheet import Sheet
from benchmark.report.write import Report, report

STYLES = {"best": "bold", "second": "underline", "": ""}


def make_report(
    folders: Sequence[Path],
    output: Path,
    options: ReportOptions = ReportOptions(),  # noqa: B008  frozen
) -> Report:
    """Write a report, then print the verdict, its main tables, what they lack, and where the page is.

    Raises:
        FileNotFoundError: If no run is complete.
        ValueError: As `benchmark.report.report`.
    """
    with steps("report") as begin:
        made = report(folders, output, options, begin)
    show_report(made)
    return made


def show_report(made: Report) -> None:
    """Print the main tables of a report, its verdicts, and where its page is."""
    for experiment in made.experiments:
        tables = made.page.parent / experiment.name / "tables"
        for section in ("comparison", "structures"):
            _show(experiment.sheets[section][0], experiment.name, tables)
        for sheet in experiment.sheets["covariates"]:
            _show(sheet, experiment.name, tables)
        if len(experiment.facts.contributions) > 1:
            show_table(experiment.facts.contributions, f"{experiment.name}: who contributed what")
        show_verdict(experiment)
    _say(f"Report: {made.page}")


def show_verdict(experiment: ExperimentPage) -> None:
    """Print who leads, by how much and on what data, and what is missing."""
    _say(experiment.headline, "bold")
    for answer in experiment.answers.values():
        _say(answer)
    _say(f"Data: {'; '.join(experiment.badge.lines.values())}.")
    for alarm in filter(None, (experiment.badge.warning, experiment.remark)):
        _say(alarm, "bold red")


def _show(sheet: Sheet, experiment: str, tables: Path) -> None:
    columns = zip(sheet.columns, sheet.marks(), strict=True)
    cells = [
        [Text(text, STYLES[mark]) for text, mark in zip(column.texts, marks, strict=True)] for column, marks in columns
    ]
    texts = [list(sheet.names()), *cells]
    table = pd.DataFrame(dict(enumerate(texts))).set_axis([sheet.corner, *sheet.headings()], axis=1)
    show_table(table, f"{experiment}: {sheet.title.lower()}. {sheet.note}", tables / f"{sheet.name}.csv")


def _say(text: str, style: str | None = None) -> None:
    stdout.print(text, style=style, markup=False, highlight=False, soft_wrap=False)
