"""`petmr report`: from run folders to tables, statistics, figures and one page; everything from cases on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.figures.scenes import Scene, load_scene, telling_subjects
from benchmark.report.consistency_sheets import consistency_sheets
from benchmark.report.drawings import draw_all
from benchmark.report.facts import find_cohort, read_facts
from benchmark.report.further.calibration import calibration_sheets, calibration_table
from benchmark.report.further.covariates import Divided, covariate_sheets, divide
from benchmark.report.further.options import ReportOptions
from benchmark.report.further.provenance import about_of
from benchmark.report.further.tuning import trials_of, tuning_sheets
from benchmark.report.numbers import Numbers, compute
from benchmark.report.page import ExperimentPage, Sheets, finding, render
from benchmark.report.sheet import latex, markdown, marked
from benchmark.report.sheets import main_sheets, paper_sheets, structure_sheet
from benchmark.report.statistics_sheets import statistics_sheets
from benchmark.report.viewer import viewer_data
from benchmark.runs.evidence import Evidence, gather
from benchmark.runs.folder import RunFolder
from benchmark.runs.joined import join
from benchmark.statistics.tables import internal
from datamodules.cohort.store import Cohort, open_cohort
from datamodules.files import write_csv, write_text


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
    progress: Callable[[str], None] = lambda experiment: None,
    options: ReportOptions = ReportOptions(),  # noqa: B008  frozen
) -> Report:
    """Write the report of all experiments whose runs lie in some folders.

    Args:
        folders: Of experiments, or of single runs.
        output: Gets `report.html`, and a folder for each experiment with `cases.csv`, tables, numbers and figures.
        progress: Called with the name of each experiment that is written.
        options: What it is to say.

    Raises:
        FileNotFoundError: If no run is complete.
        ValueError: If runs contradict each other, can't share a table, or their files can't be read.
    """
    pages = []
    found = gather(folders)
    if options.cohort:
        _require_match(open_cohort(options.cohort), found)
    for evidence in (join(found, options.together),) if options.together else found:
        pages.append(write_experiment(evidence, output / evidence.experiment, options))
        progress(evidence.experiment)
    page = output / "report.html"
    write_text(page, render(pages))
    return Report(page, tuple(pages))


def _require_match(cohort: Cohort, found: Sequence[Evidence]) -> None:
    known = {run.record.cohort: one.experiment for one in found for run in one.runs}
    if cohort.fingerprint not in known:
        listed = ", ".join(f"{fingerprint} ({experiment})" for fingerprint, experiment in known.items())
        raise ValueError(f"{cohort.path}: is the cohort {cohort.fingerprint}; these runs are of {listed}.")


def write_experiment(evidence: Evidence, folder: Path, options: ReportOptions) -> ExperimentPage:
    """Write tables, numbers and figures of one experiment, and give what the page shows of it."""
    found, cohort = compute(evidence), find_cohort(evidence, options.cohort)
    by = dict.fromkeys([*(name for about in about_of(evidence) for name in about.by), *options.by])
    tables = write_tables(evidence, found, folder, divide(evidence, list(by), cohort))
    scenes = _scenes(evidence, cohort)
    middle = scenes[len(scenes) // 2] if scenes else None
    return ExperimentPage(
        name=evidence.experiment,
        remark=evidence.remark,
        finding=finding(evidence, found),
        seeds=", ".join(map(str, sorted({run.record.seed for run in evidence.runs}))),
        sheets=tables,
        pictures=draw_all(evidence, found, middle, folder / "figures"),
        facts=read_facts(evidence, cohort),
        viewer=viewer_data(scenes),
    )


def write_tables(evidence: Evidence, found: Numbers, folder: Path, divided: Divided) -> Sheets:
    """Write cases and numbers as CSV, and every sheet as Markdown and LaTeX."""
    write_csv(folder / "cases.csv", evidence.cases)
    for name, table in {**found.files(), **_further(evidence, divided)}.items():
        write_csv(folder / "numbers" / f"{name}.csv", table)
    made = Sheets(
        tuple(main_sheets(evidence, found)),
        tuple(paper_sheets(evidence, found)),
        tuple(statistics_sheets(evidence, found)),
        (structure_sheet(evidence, found),),
        tuple(consistency_sheets(evidence, found)),
        tuple(tuning_sheets(evidence)),
        tuple(covariate_sheets(evidence, divided)),
        tuple(calibration_sheets(evidence)),
    )
    for each in made.all:
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


def _scenes(evidence: Evidence, cohort: Cohort | None) -> tuple[Scene, ...]:
    """The subjects that pictures show, from the worst to the best; none without the cohort."""
    if cohort is None:
        return ()
    subjects = telling_subjects(internal(evidence.cases))
    return tuple(load_scene(cohort, subject, _testers(evidence, subject)) for subject in subjects)


def _testers(evidence: Evidence, subject: str) -> dict[str, RunFolder]:
    """For every variant the run that tested a subject, of several seeds the first."""
    cases = internal(evidence.cases)
    tested = cases.loc[cases["subject"] == subject, ["variant", "fold", "seed"]].drop_duplicates().sort_values("seed")
    first = tested.drop_duplicates("variant").set_index("variant")
    places = {variant: (first.loc[variant, "fold"], first.loc[variant, "seed"]) for variant in first.index}
    return {
        run.record.variant: run.folder
        for run in evidence.runs
        if places.get(run.record.variant) == (run.record.fold, run.record.seed)
    }
