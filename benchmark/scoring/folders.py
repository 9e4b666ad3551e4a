"""Any label maps against any truth: other tools' outputs, FreeSurfer labels or class indices, in parallel."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.scoring.absence import Absent
from benchmark.scoring.case_table import no_uptake, read_cases, subject_cases
from benchmark.scoring.cases import score_case
from benchmark.scoring.matching import Match
from benchmark.scoring.original_pet import read_original
from datamodules.files import digest, sha256, write_csv
from datamodules.labels.protocol import Protocol, whole_numbers
from datamodules.parallel import each
from datamodules.volumes.frames import Frames
from datamodules.volumes.grid import Grid, ras_grid, to_ras
from datamodules.volumes.read import read_labels
from datamodules.volumes.resample import resample
from datamodules.volumes.sidecar import read_sidecar

PREDICTION, TRUTH, PET = "prediction", "truth", "pet"
Indices = NDArray[np.integer]


@dataclass(frozen=True)
class ScoreSettings:
    """How label maps of foreign origin are read and scored.

    Attributes:
        protocol: The structures.
        indices: Which of the maps hold class indices of the protocol instead of FreeSurfer labels.
        unknown_to_background: Whether ids outside the protocol become background instead of an error.
        resample: Whether a prediction on another grid is brought onto the truth's (nearest voxel) instead of refused.
        absent: What a missed or spurious structure pays, see `benchmark.scoring.absence`.
        frames: Of a dynamic PET, those to average.
    """

    protocol: Protocol
    indices: Literal["neither", "predictions", "truth", "both"] = "neither"
    unknown_to_background: bool = False
    resample: bool = False
    absent: Absent = "penalise"
    frames: Frames | None = None

    def holds_indices(self, role: str) -> bool:
        """Whether the maps of a role hold class indices."""
        return self.indices in ("both", {PREDICTION: "predictions", TRUTH: "truth"}[role])


def score_folders(
    matches: Sequence[Match],
    output: Path,
    settings: ScoreSettings,
    *,
    processes: int = 1,
    progress: Callable[[str], None] = lambda subject: None,
) -> pd.DataFrame:
    """Score matched label maps into a table of cases; after an interruption the same call goes on.

    Args:
        matches: Files with the roles `prediction`, `truth` and perhaps `pet`.
        output: The table to write.
        settings: How.
        processes: Subjects scored at a time.
        progress: Called with every subject that is done.

    Raises:
        ValueError: If label maps can't be read, hold unknown ids or lie on different grids; subjects done before stay.
    """
    parts = output.with_name(f"{output.name}.partial")
    files = []
    for subject, path in each(partial(_score_match, settings=settings, folder=parts), matches, processes):
        files.append(path)
        progress(subject)
    cases = read_cases(files)
    write_csv(output, cases)
    shutil.rmtree(parts)
    return cases


def score_match(match: Match, settings: ScoreSettings) -> pd.DataFrame:
    """Score one subject on the truth's grid.

    Raises:
        ValueError: As `score_folders`.
    """
    protocol = settings.protocol
    truth, grid = read_map(match.files[TRUTH], TRUTH, settings)
    prediction, own = read_map(match.files[PREDICTION], PREDICTION, settings)
    if not own.coincides(grid):
        if not settings.resample:
            raise ValueError(
                f"{match.files[PREDICTION]}: lies on another grid ({own}) than {match.files[TRUTH]} ({grid}). "
                "Resample it, or ask for it: --resample."
            )
        prediction = resample(prediction, own, grid, order=0)
    cases = score_case(truth, prediction, grid.spacing, protocol, absent=settings.absent)
    if PET not in match.files:
        return subject_cases(match.subject, cases, no_uptake(cases))
    path = match.files[PET]
    pet = read_original(path, grid, protocol, sidecar=read_sidecar(path), frames=settings.frames)
    return subject_cases(match.subject, cases, pet.compare(truth, prediction, protocol))


def _score_match(match: Match, settings: ScoreSettings, folder: Path) -> tuple[str, Path]:
    """Score one subject into a file of its own, unless it lies ready from an interrupted call."""
    hashes = {role: sha256(path) for role, path in match.files.items()}
    path = folder / f"{match.subject}-{digest([hashes, asdict(settings)])}.csv"
    if not path.is_file():
        write_csv(path, score_match(match, settings))
    return match.subject, path


def read_map(path: Path, role: str, settings: ScoreSettings) -> tuple[Indices, Grid]:
    """Class indices of a label map in RAS order, and their grid.

    Raises:
        ValueError: If it can't be read, or holds unknown ids.
    """
    labels, grid = read_labels(path)
    protocol = settings.protocol
    if settings.holds_indices(role):
        indices = _checked_indices(path, labels, protocol)
    else:
        known = protocol.fold_unknown(labels) if settings.unknown_to_background else labels
        try:
            indices = protocol.to_indices(known)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    return to_ras(indices, grid)[0], ras_grid(grid)


def _checked_indices(path: Path, labels: Indices, protocol: Protocol) -> Indices:
    whole = whole_numbers(labels)
    if whole.size and (whole.min() < 0 or whole.max() >= protocol.num_classes):
        raise ValueError(
            f"{path}: holds {whole.min()} to {whole.max()}; expected class indices of {protocol.name}, "
            f"0 to {protocol.num_classes - 1}. Leave --indices away where a map holds FreeSurfer labels."
        )
    return whole.astype(np.uint8)
