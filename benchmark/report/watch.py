"""`petmr report --watch`: the report of a running grid, written anew whenever a run has finished or failed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.console import stdout
from benchmark.report.console import make_report
from benchmark.report.options import ReportOptions
from benchmark.report.pending import SETTLED, in_words
from benchmark.report.write import Report, report
from benchmark.runs.evidence import find_runs, read_grids
from benchmark.runs.objections import case_files, name_of

POLL_S = 10.0


@dataclass(frozen=True)
class Progress:
    """How far the runs of some folders have come.

    Attributes:
        states: Experiment and run to its state.
        files: What a report is made from, with the time at which each was written.
    """

    states: dict[tuple[str, str], str]
    files: frozenset[tuple[Path, int]]

    @property
    def settled(self) -> bool:
        """Whether nothing is left that runs or waits."""
        return all(state in SETTLED for state in self.states.values())

    def __str__(self) -> str:
        return in_words(self.states.values())


def watch_report(
    folders: Sequence[Path],
    output: Path,
    options: ReportOptions = ReportOptions(),  # noqa: B008  frozen
    pause: Callable[[], None] = lambda: time.sleep(POLL_S),
) -> Report:
    """Write the report of finished runs, again after each further one, until all are done or have failed.

    Every file is replaced whole, so that whoever reads meanwhile sees the one before. Ctrl-C stops it at any time.

    Args:
        folders: Of experiments.
        output: As of `make_report`.
        options: As of `make_report`.
        pause: Waits before looking again.

    Raises:
        FileNotFoundError: If the folders hold no runs, or all have failed.
        ValueError: As `benchmark.report.write.report`.
    """
    written: frozenset[tuple[Path, int]] = frozenset()
    while not (now := look(folders)).settled:
        if now.files and now.files != written:
            written = _rewrite(folders, output, options, now) or written
        pause()
    return make_report(folders, output, options)


def look(folders: Sequence[Path]) -> Progress:
    """Read the states of all runs, those that wait for a folder included.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = find_runs(folders)
    expected = {(record.experiment, name_of(record)): "waiting" for record in read_grids(folders)}
    states = expected | {(run.record.experiment, run.name): run.folder.state() for run in found}
    if not states:
        listed = ", ".join(map(str, folders))
        raise FileNotFoundError(f"{listed}: holds no runs to watch. Start them first: petmr run EXPERIMENT.yaml.")
    done = [run.folder for run in found if run.folder.is_done()]
    files = [file for folder in done for file in (folder.done, *case_files(folder))]
    return Progress(states, frozenset((file, file.stat().st_mtime_ns) for file in files))


def _rewrite(
    folders: Sequence[Path], output: Path, options: ReportOptions, now: Progress
) -> frozenset[tuple[Path, int]] | None:
    """Write what there is, and say so; None where a file went meanwhile, as when runs are started over."""
    try:
        made = report(folders, output, options)
    except FileNotFoundError as error:
        stdout.print(f"Not written: {error}", markup=False, highlight=False, soft_wrap=False)
        return None
    stdout.print(f"{made.page}: {now}.", markup=False, highlight=False, soft_wrap=False)
    return now.files
