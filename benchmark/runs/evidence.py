"""What run folders hold, and what they lack: only complete, current and single runs enter a table."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pandas as pd

from benchmark.runs.adopted import GRID as ADOPTED_GRID
from benchmark.runs.adopted import TOGETHER
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.objections import FoundRun, case_files, name_of, objection
from benchmark.runs.reading import Reading, read_reading
from benchmark.runs.settings import MOST_FOLDS
from benchmark.scoring.case_table import read_cases
from datamodules.files import parsing, write_json

GRID = "grid.json"
"""Beside the runs of an experiment: the records of all runs that it expands to, in the order of its table."""

NAMED = 5
"""Missing runs that a remark names; the report's table of runs names all."""


@dataclass(frozen=True)
class Gap:
    """A run that is not in the tables, and why."""

    run: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """The runs of one experiment.

    Attributes:
        experiment: Its name.
        networks: Variant to network, in the order of the table; also variants of which no run counts.
        runs: Those that count.
        gaps: Those that don't.
        cases: Of the runs that count.
        incomplete: Variants that lack a run, as "4 of 5 runs".
        reading: How the experiment asks to be read.
    """

    experiment: str
    networks: Mapping[str, str]
    runs: tuple[FoundRun, ...]
    gaps: tuple[Gap, ...]
    cases: pd.DataFrame = field(repr=False)
    incomplete: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = Reading()  # noqa: RUF009  frozen

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders that hold the runs that count, and beside them what is said of them all."""
        return tuple(dict.fromkeys(run.folder.path.parents[1] for run in self.runs))

    @property
    def remark(self) -> str:
        """A sentence that names the first runs that the tables lack; empty where they lack none."""
        if not self.gaps:
            return ""
        listed = "; ".join(f"{gap.run} ({gap.reason})" for gap in self.gaps[:NAMED])
        more = f"; and {len(self.gaps) - NAMED} more" if len(self.gaps) > NAMED else ""
        return (
            f"Incomplete: {len(self.gaps)} of {len(self.gaps) + len(self.runs)} runs are not counted: {listed}{more}."
        )


def write_grid(folder: Path, records: Iterable[RunRecord]) -> None:
    """Say beside the runs of an experiment which runs there must be."""
    write_json(folder / GRID, [asdict(record) for record in records])


def gather(folders: Sequence[Path]) -> tuple[Evidence, ...]:
    """Find the runs below some folders, one `Evidence` for each experiment.

    Raises:
        FileNotFoundError: If there is no run, or none that is complete.
        ValueError: If it can't be told which of the runs of an experiment are current.
    """
    found, expected = find_runs(folders), read_grids(folders)
    names = dict.fromkeys(record.experiment for record in (*expected, *(run.record for run in found)))
    evidence = [_weigh_named(name, found, expected) for name in names]
    complete = tuple(one for one in evidence if one.runs)
    if not complete:
        places, remarks = ", ".join(map(str, folders)), " ".join(one.remark for one in evidence)
        raise FileNotFoundError(f"{places}: no run is complete, so there is nothing to report. {remarks}".strip())
    return complete


def _weigh_named(name: str, found: Sequence[FoundRun], expected: Sequence[RunRecord]) -> Evidence:
    own = [run for run in found if run.record.experiment == name]
    places = list(dict.fromkeys(run.folder.path.parents[1] for run in own))
    weighed = weigh(own, [record for record in expected if record.experiment == name])
    return replace(weighed, reading=read_reading(places))


def find_runs(folders: Sequence[Path]) -> tuple[FoundRun, ...]:
    """Every run folder below some folders, each once."""
    records = dict.fromkeys(path.resolve() for folder in folders for path in sorted(folder.rglob("run.json")))
    runs = [RunFolder(path.parent) for path in records]
    return tuple(FoundRun(run, run.read_record()) for run in runs)


def read_grids(folders: Sequence[Path]) -> tuple[RunRecord, ...]:
    """The records of all runs that are expected, of grids in the folders or right below them."""
    places = dict.fromkeys(place.resolve() for folder in folders for place in (folder, *sorted(folder.glob("*/"))))
    grids = [place / name for place in places for name in (GRID, ADOPTED_GRID) if (place / name).is_file()]
    return tuple(record for grid in grids for record in _read_grid(grid))


def _read_grid(grid: Path) -> list[RunRecord]:
    with parsing(grid):
        return [RunRecord.from_dict(entry) for entry in json.loads(grid.read_text(encoding="utf-8"))]


def weigh(found: Sequence[FoundRun], expected: Sequence[RunRecord]) -> Evidence:
    """Decide which runs of an experiment count.

    Args:
        found: Its run folders.
        expected: What there must be; where nothing is known, every variant found is expected with every fold and seed.

    Raises:
        ValueError: If runs differ in cohort or folds and no grid tells which are current, or grids differ in them.
    """
    if not expected:
        _require_one_of_each(found)
        expected = _full_grid(found)
    _require_one_grid(expected)
    folders = defaultdict(list)
    for run in found:
        folders[run.name].append(run)
    reasons = {name_of(record): objection(folders[name_of(record)], record) for record in expected}
    runs = tuple(folders[name][0] for name, reason in reasons.items() if not reason)
    gaps = tuple(Gap(name, reason) for name, reason in reasons.items() if reason)
    networks = {record.variant: record.network for record in expected}
    files = [file for run in runs for file in case_files(run.folder)]
    cases = read_cases(files) if files else pd.DataFrame()
    return Evidence(expected[0].experiment, networks, runs, gaps, cases, _incomplete(runs, expected))


def _full_grid(found: Sequence[FoundRun]) -> list[RunRecord]:
    """Every variant found with every fold of the experiment and every seed found; unknown identities are left open."""
    known = {run.name: run.record for run in found}
    variants = {record.variant: record for record in known.values()}
    seeds = sorted({record.seed for record in known.values()})
    wanted = [
        replace(one, fold=fold, seed=seed, identity="")
        for seed in seeds
        for fold in range(max(map(_folds, found)))
        for one in variants.values()
    ]
    return [known.get(name_of(record), record) for record in wanted]


def _folds(run: FoundRun) -> int:
    """How many folds the experiment of a run has, as far as the run knows."""
    if not run.folder.config.is_file():
        return run.record.fold + 1
    folds = run.folder.read_config()["data"].get("folds", run.record.fold + 1)
    if not isinstance(folds, int) or not run.record.fold < folds <= MOST_FOLDS:
        raise ValueError(f"{run.folder.config}: data.folds is {folds}, but this run tests fold {run.record.fold}.")
    return folds


def _require_one_of_each(found: Sequence[FoundRun]) -> None:
    for key in TOGETHER:
        values = {getattr(run.record, key): run for run in found}
        if len(values) > 1:
            listed = ", ".join(f"{value} in {run.folder.path}" for value, run in values.items())
            raise ValueError(
                f"The runs of '{found[0].record.experiment}' have different {key}: {listed}. "
                "They must not share a table: report them apart, or run the experiment again."
            )


def _require_one_grid(expected: Sequence[RunRecord]) -> None:
    for key in TOGETHER:
        values = {getattr(record, key): record for record in expected}
        if len(values) > 1:
            listed = ", ".join(f"{value} for {name_of(record)}" for value, record in values.items())
            raise ValueError(
                f"The grids of '{expected[0].experiment}' expect different {key}: {listed}. Report them apart."
            )


def _incomplete(runs: Sequence[FoundRun], expected: Sequence[RunRecord]) -> dict[str, str]:
    there = Counter(run.record.variant for run in runs)
    wanted = Counter(record.variant for record in expected)
    return {variant: f"{there[variant]} of {count} runs" for variant, count in wanted.items() if there[variant] < count}
