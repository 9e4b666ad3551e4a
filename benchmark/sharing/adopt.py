"""`petmr adopt`: label maps of any tool become the scored test of one fold, as a row beside the trained ones.

A map lies on its subject's own grid, with axes in any order, or on that of the cohort's store, on which `petmr export`
hands out images. Nothing is resampled, no subject left out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from benchmark.experiment.definition import NAME, RESERVED, Experiment, expand
from benchmark.experiment.plan import splits_of
from benchmark.experiment.scores import cases_of_run, score_subject
from benchmark.labelling.predictions import prediction_file
from benchmark.runs import adopted
from benchmark.runs.evidence import GRID, write_grid
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.lock import locked
from benchmark.runs.seal import seal
from benchmark.runs.settings import Run
from benchmark.scoring.folders import PREDICTION, ScoreSettings, read_map
from benchmark.scoring.matching import subject_of
from datamodules.cohort.splits import Fold, Splits
from datamodules.cohort.store import Cohort
from datamodules.files import atomic_path, sha256, write_csv, write_json
from datamodules.findings import error, refuse_errors
from datamodules.labels.protocol import UnknownLabelError
from datamodules.sources.subjects import named
from datamodules.volumes.grid import Array, Grid, cropped, from_ras, ras_grid
from datamodules.volumes.read import is_image, stem
from datamodules.volumes.write import write_labels

SEALED = ("run.json", "settings.yaml", "parts.json", "cases.csv")
"""What an adopted run swears to: there is no checkpoint."""


@dataclass(frozen=True)
class Adoption:
    """What is adopted.

    Attributes:
        name: Row of the table.
        fold: Whose test part was labelled, from 0.
        seed: Of the tool's run, where there are several.
        tool: What made the label maps, in words.
        indices: Whether they hold class indices of the cohort's protocol instead of FreeSurfer labels.
        unknown_to_background: Whether labels outside the protocol become background instead of an error.
    """

    name: str
    fold: int
    seed: int = 0
    tool: str = ""
    indices: bool = False
    unknown_to_background: bool = False


def adopt(
    experiment: Experiment,
    cohort: Cohort,
    predictions: Path,
    output: Path,
    adoption: Adoption,
    progress: Callable[[str], None] = lambda subject: None,
) -> RunFolder:
    """Adopt a folder of label maps as one run of an experiment; the same call goes on after an interruption.

    Args:
        experiment: Beside whose rows the new one stands.
        cohort: What it is tested on.
        predictions: Label maps named after their subjects.
        output: Folder of the experiment's runs.
        adoption: What is adopted.
        progress: Called with every subject that is read.

    Raises:
        ValueError: If the row's name is taken, the fold doesn't exist, a subject isn't of its test part, is missing
            or has two label maps, or a map lies on another grid or holds unknown labels; or if other label maps were
            adopted as this run before.
        LockedError: If another process works there.
    """
    _check_name(experiment, adoption)
    splits = splits_of(experiment, cohort)
    files = _find(predictions, cohort, splits.folds[adoption.fold])
    run = _as_run(experiment, adoption, files)
    folder = RunFolder(output / run.name)
    folder.check(run, RunRecord.of(run, cohort, splits))
    for subject, path in files.items():  # all of them before anything is written
        _brought_home(path, cohort, subject, adoption)
    folder.begin(run, cohort, splits, "disabled")
    with locked(folder.lock):
        if not folder.is_done():
            for subject, path in files.items():
                _write(folder, subject, *_brought_home(path, cohort, subject, adoption))
                progress(subject)
            _expect(output, experiment, cohort, splits, run)
            scored = pd.concat([score_subject(cohort, subject, folder.predictions) for subject in files])
            write_csv(folder.cases, cases_of_run(folder.read_record(), cohort, scored))
            write_json(folder.done, {"hardware": adoption.tool or "made elsewhere"} | seal(folder.path, SEALED))
    return folder


def _check_name(experiment: Experiment, adoption: Adoption) -> None:
    if not re.fullmatch(NAME, adoption.name) or adoption.name in (*RESERVED, *experiment.variants):
        raise ValueError(
            f"'{adoption.name}' can't name an adopted row: use letters, digits, '_', '-', '.' and '+', and none of "
            f"{', '.join((*experiment.variants, *RESERVED))}."
        )
    if not 0 <= adoption.fold < experiment.folds:
        raise ValueError(
            f"There is no fold {adoption.fold}: the folds of '{experiment.name}' are 0 to {experiment.folds - 1}."
        )


def _find(folder: Path, cohort: Cohort, fold: Fold) -> dict[str, Path]:
    """The label map of every subject that the fold tests, and of nobody else."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder.")
    found: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if is_image(path)):
        found.setdefault(stem(path) if stem(path) in cohort.subjects else subject_of(path), []).append(path)
    problems = []
    for subject, paths in found.items():
        if len(paths) > 1:
            text = f"Has {len(paths)} label maps: {named(path.relative_to(folder) for path in paths)}."
            problems.append(error(subject, folder, "several label maps", text, "Leave one."))
        if subject not in fold.test:
            place = f"is in its {fold.part_of[subject]} part" if subject in cohort.subjects else "isn't in the cohort"
            problems.append(
                error(subject, paths[0], "another part", f"Isn't tested in this fold, but {place}.", "Leave it away.")
            )
    if lacking := [subject for subject in fold.test if subject not in found]:
        text = f"Has no label map of {named(lacking)}, which this fold tests."
        problems.append(
            error("", folder, "no label map", text, "Name files after their subjects; all of them are needed.")
        )
    refuse_errors(problems)
    return {subject: found[subject][0] for subject in fold.test}


def _as_run(experiment: Experiment, adoption: Adoption, files: Mapping[str, Path]) -> Run:
    """What the adopted run is, as any other: its identity follows from the label maps."""
    data = {"folds": experiment.folds, "fold": adoption.fold, "split_seed": experiment.split_seed}
    network = {"class_path": adopted.NETWORK, "init_args": {"tool": adoption.tool} if adoption.tool else {}}
    reading = {"indices": adoption.indices, "unknown_to_background": adoption.unknown_to_background}
    config = {
        "data": {**data, "seed": adoption.seed},
        "model": {"network": network},
        "adopted": {**reading, "sha256": {subject: sha256(path) for subject, path in files.items()}},
    }
    return Run(experiment.name, adoption.name, adopted.NETWORK, adoption.fold, adoption.seed, config)


def _expect(output: Path, experiment: Experiment, cohort: Cohort, splits: Splits, run: Run) -> None:
    """Say which runs there must be: of the new row, and of the experiment where nothing of it was begun."""
    if not (output / GRID).is_file():
        write_grid(output, [RunRecord.of(own, cohort, splits) for own in expand(experiment)])
    like = replace(RunRecord.of(run, cohort, splits), identity="")  # which label maps others will be isn't known
    adopted.expect(output, [replace(like, fold=fold) for fold in range(experiment.folds)])


def _brought_home(path: Path, cohort: Cohort, subject: str, adoption: Adoption) -> tuple[Array, Grid]:
    """A label map as our own predictions are: FreeSurfer labels on the subject's own grid."""
    kind: Literal["predictions", "neither"] = "predictions" if adoption.indices else "neither"
    settings = ScoreSettings(cohort.protocol, kind, adoption.unknown_to_background)
    try:
        indices, grid = read_map(path, PREDICTION, settings)
    except ValueError as error:
        hint = " If it holds class indices, say --indices." if isinstance(error.__cause__, UnknownLabelError) else ""
        raise ValueError(f"{error}{hint}") from error
    known = cohort.subjects[subject]
    if grid.coincides(ras_grid(known.grid)):
        return from_ras(cohort.protocol.to_labels(indices), known.grid), known.grid
    if grid.coincides(cropped(known.stored, known.box)):
        return cohort.restore(subject, indices)
    raise ValueError(
        f"{path}: lies on another grid ({grid}) than the label map of {subject} ({ras_grid(known.grid)}). "
        "Resample it there, with nearest neighbour."
    )


def _write(folder: RunFolder, subject: str, labels: Array, grid: Grid) -> None:
    with atomic_path(prediction_file(folder.predictions, subject)) as temporary:
        write_labels(temporary, labels, grid)
