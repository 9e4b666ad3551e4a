"""Predictions on disk become cases: one row for every subject and structure."""

import logging
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from benchmark.labelling.predictions import prediction_file
from benchmark.runs.folder import RunRecord
from benchmark.scoring.case_table import no_uptake, subject_cases
from benchmark.scoring.cases import score_case
from benchmark.scoring.columns import GROUP
from benchmark.scoring.original_pet import original_of
from datamodules.cohort.store import Cohort
from datamodules.volumes.read import read_labels

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


def cases_of_run(record: RunRecord, cohort: Cohort, scored: pd.DataFrame) -> pd.DataFrame:
    """The cases of the subjects that a run has tested; every row begins with what identifies the run."""
    cases = scored.copy()
    identity = asdict(record)
    for position, (name, value) in enumerate(identity.items()):
        cases.insert(position, name, value)
    cases.insert(len(identity) + 1, GROUP, cases["subject"].map(cohort.groups))
    return cases
