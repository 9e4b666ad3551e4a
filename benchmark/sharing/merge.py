"""Runs of different origins in one table: only of one cohort and its folds, and no run twice."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.runs.adopted import TOGETHER
from benchmark.runs.contributions import OPENED, Origin, origin_of
from benchmark.runs.evidence import find_runs, read_grids
from benchmark.runs.objections import FoundRun
from datamodules.files import sha256

Fingerprints = tuple[str, ...]


def settle(folders: Sequence[Path]) -> None:
    """Check that runs of one experiment can share a table, and drop what packs hold a second time.

    Args:
        folders: Of runs; those of opened packs are changed, others never.

    Raises:
        ValueError: If runs of one experiment are of different cohorts or folds, or one run has different scores.
    """
    _require_one_cohort(folders)
    found: defaultdict[tuple[str, str], list[FoundRun]] = defaultdict(list)
    for folder in sorted(folders, key=_is_opened):  # what lies here counts before what was packed
        for run in find_runs([folder]):
            found[run.record.experiment, run.name].append(run)
    for first, *others in found.values():
        for other in others:
            if first.folder.path != other.folder.path and _is_opened(other.folder.path):
                _drop(first, other)


def _drop(first: FoundRun, other: FoundRun) -> None:
    """Remove a run from an opened pack that is there already."""
    cases = [run.folder.cases for run in (first, other)]
    same = first.record == other.record and all(file.is_file() for file in cases)
    if not same or sha256(cases[0]) != sha256(cases[1]):
        raise ValueError(
            f"{first.record.experiment}/{first.name} is in {_origin(first)} and, with another configuration or other "
            f"scores, in {_origin(other)}. Pack rows that differ under names that "
            "differ, choose rows with `petmr pack --only`, or report them apart."
        )
    shutil.rmtree(other.folder.path)


def _origin(run: FoundRun) -> Origin:
    return origin_of(run.folder.path.parents[1])


def _require_one_cohort(folders: Sequence[Path]) -> None:
    by_experiment: defaultdict[str, dict[Fingerprints, Path]] = defaultdict(dict)
    for folder in folders:
        for experiment, fingerprints in _fingerprints(folder):
            by_experiment[experiment].setdefault(fingerprints, folder)
    for experiment, known in by_experiment.items():
        if len(known) > 1:
            told = "; ".join(f"{_described(prints)} in {origin_of(folder)}" for prints, folder in known.items())
            raise ValueError(
                f"The runs of '{experiment}' are of different cohorts or folds: {told}. They must not share a table: "
                "report them apart."
            )


def _fingerprints(folder: Path) -> Iterator[tuple[str, Fingerprints]]:
    """Cohort and folds that a folder's experiments are of: as the grid has it, since a run may be stale."""
    expected = read_grids([folder])
    known = {record.experiment for record in expected}
    unexpected = [run.record for run in find_runs([folder]) if run.record.experiment not in known]
    for record in (*expected, *unexpected):
        yield record.experiment, tuple(getattr(record, key) for key in TOGETHER)


def _described(fingerprints: Fingerprints) -> str:
    return ", ".join(f"{key} {value}" for key, value in zip(TOGETHER, fingerprints, strict=True))


def _is_opened(folder: Path) -> bool:
    return any((above / OPENED).is_file() for above in (folder, *folder.parents))
