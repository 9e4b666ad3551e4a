"""A report as the verbs make it: with progress, and its main tables in the terminal."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.console import progress, show_table, stdout
from benchmark.report.further.options import ReportOptions
from benchmark.report.sheet import Sheet, marked
from benchmark.report.write import Report, report


def make_report(
    folders: Sequence[Path],
    output: Path,
    options: ReportOptions = ReportOptions(),  # noqa: B008  frozen
) -> Report:
    """Write a report, then print its overall and structure tables, what they lack, and where the page is.

    Raises:
        FileNotFoundError: If no run is complete.
        ValueError: As `benchmark.report.report`.
    """
    with progress("report", 1) as advance:
        made = report(folders, output, options=options)
        advance(str(made.page))
    for experiment in made.experiments:
        _show(experiment.sheets.main[0], experiment.name)
        _show(experiment.sheets.structures[0], experiment.name)
        for sheet in experiment.sheets.covariates:
            _show(sheet, experiment.name)
        if len(experiment.facts.contributions) > 1:
            show_table(experiment.facts.contributions, f"{experiment.name}: who contributed what")
        if experiment.remark:
            stdout.print(experiment.remark, style="bold red", markup=False)
    stdout.print(f"Report: {made.page}", markup=False)
    return made


def _show(sheet: Sheet, experiment: str) -> None:
    table = marked(sheet, "[bold]{}[/bold]", "[underline]{}[/underline]")
    show_table(table, f"{experiment}: {sheet.title.lower()}. {sheet.note}")
