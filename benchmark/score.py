"""Predictions on disk become `cases.csv`: one row for every subject and structure."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.cases import score_case
from benchmark.predictions import prediction_file
from benchmark.run_folder import RunFolder
from datamodules.cohort import Cohort
from datamodules.files import atomic_path
from datamodules.volumes import read_labels


def score_subject(cohort: Cohort, subject: str, predictions: Path) -> pd.DataFrame:
    """Score one subject's prediction against its truth, on the subject's own grid.

    Raises:
        FileNotFoundError: If there is no prediction.
        ValueError: If it lies on another grid, or holds ids outside the protocol.
    """
    path = prediction_file(predictions, subject)
    labels, grid = read_labels(path)
    truth, own = cohort.restore(subject, np.asarray(cohort.label(subject)))
    if not grid.coincides(own):
        raise ValueError(f"{path}: lies on another grid than the truth of {subject}.")
    protocol = cohort.protocol
    cases = score_case(protocol.to_indices(truth), protocol.to_indices(labels), own.spacing, protocol)
    cases.insert(0, "subject", subject)
    return cases


def score_run(folder: RunFolder, cohort: Cohort, subjects: Iterable[str]) -> None:
    """Score the test subjects of a run into its `cases.csv`.

    Raises:
        FileNotFoundError: If a prediction is missing.
        ValueError: As `score_subject`.
    """
    cases = pd.concat([score_subject(cohort, subject, folder.predictions) for subject in subjects])
    record = asdict(folder.read_record())
    for position, (name, value) in enumerate(record.items()):
        cases.insert(position, name, value)
    write_cases(folder.cases, cases)


def write_cases(path: Path, cases: pd.DataFrame) -> None:
    """Write a table of cases whole or not at all."""
    with atomic_path(path) as temporary:
        cases.to_csv(temporary, index=False)


def read_cases(paths: Iterable[Path]) -> pd.DataFrame:
    """Join the tables of several runs."""
    return pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
