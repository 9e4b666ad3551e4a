"""Predictions on disk become `cases.csv`: one row for every subject and structure."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.cases import score_case
from benchmark.columns import GROUP, UPTAKE
from benchmark.original_pet import original_of
from benchmark.predictions import prediction_file
from benchmark.run_folder import RunFolder, RunRecord
from datamodules.cohort import Cohort
from datamodules.files import atomic_path
from datamodules.volumes import read_labels

logger = logging.getLogger(__name__)


def score_subject(cohort: Cohort, subject: str, predictions: Path) -> pd.DataFrame:
    """Score one subject's prediction against its truth, on the subject's own grid.

    Uptake is measured on the PET that the cohort was prepared from; where that is gone or has changed, its columns are
    empty, and a warning says so.

    Raises:
        FileNotFoundError: If there is no prediction.
        ValueError: If it lies on another grid, or holds ids outside the protocol.
    """
    path = prediction_file(predictions, subject)
    labels, grid = read_labels(path)
    truth, own = cohort.truth(subject)
    if not grid.coincides(own):
        raise ValueError(f"{path}: lies on another grid than the truth of {subject}.")
    protocol = cohort.protocol
    maps = protocol.to_indices(truth), protocol.to_indices(labels)
    cases = score_case(*maps, own.spacing, protocol)
    try:
        uptake = original_of(cohort, subject).compare(*maps, protocol)
    except (ValueError, FileNotFoundError) as reason:
        logger.warning("%s Its uptake is left empty.", reason)
        uptake = no_uptake(cases)
    return subject_cases(subject, cases, uptake)


def subject_cases(subject: str, cases: pd.DataFrame, uptake: pd.DataFrame) -> pd.DataFrame:
    """The rows of one subject: its scores, then its uptake."""
    rows = pd.concat([cases, uptake], axis=1)
    rows.insert(0, "subject", subject)
    return rows


def no_uptake(cases: pd.DataFrame) -> pd.DataFrame:
    """The columns of uptake for a subject without a PET."""
    return pd.DataFrame(np.nan, index=cases.index, columns=list(UPTAKE))


def score_run(folder: RunFolder, cohort: Cohort, subjects: Iterable[str]) -> None:
    """Score the test subjects of a run into its `cases.csv`.

    Raises:
        FileNotFoundError: If a prediction is missing.
        ValueError: As `score_subject`.
    """
    write_cases(folder.cases, cases_of_run(folder.read_record(), cohort, subjects, folder.predictions))


def cases_of_run(record: RunRecord, cohort: Cohort, subjects: Iterable[str], predictions: Path) -> pd.DataFrame:
    """Score subjects that a run has predicted; every row begins with what identifies the run.

    Raises:
        FileNotFoundError: If a prediction is missing.
        ValueError: As `score_subject`.
    """
    cases = pd.concat([score_subject(cohort, subject, predictions) for subject in subjects])
    identity = asdict(record)
    for position, (name, value) in enumerate(identity.items()):
        cases.insert(position, name, value)
    cases.insert(len(identity) + 1, GROUP, cases["subject"].map(cohort.groups))
    return cases


def write_cases(path: Path, cases: pd.DataFrame) -> None:
    """Write a table of cases whole or not at all, every number to its last digit."""
    with atomic_path(path) as temporary:
        cases.to_csv(temporary, index=False)


def read_cases(paths: Iterable[Path]) -> pd.DataFrame:
    """Join the tables of several runs; numbers come back to the last bit."""
    return pd.concat([pd.read_csv(path, float_precision="round_trip") for path in paths], ignore_index=True)
