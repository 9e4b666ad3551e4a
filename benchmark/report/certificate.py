"""The certificate of folds as the report shows it: read again, and checked against what the runs recorded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmark.runs.folder import RunRecord
from benchmark.runs.objections import FoundRun
from datamodules.cohort.splits import Fold, Splits, load_splits, splits_path
from datamodules.cohort.store import Cohort
from datamodules.sources.subjects import PARTS

PACKED = "folds.json"
"""On top of an experiment's runs in a pack: the certificate, as the cohort has it."""

COLUMNS = ("fold", "part", "subjects", "groups", "structures missing", "who")


@dataclass(frozen=True)
class CheckedFolds:
    """Folds as they were verified.

    Attributes:
        statement: What was verified, or why nothing could be.
        parts: One row a fold and part, with `COLUMNS`; empty where nothing was verified.
    """

    statement: str
    parts: pd.DataFrame


def check_folds(record: RunRecord, data: Mapping[str, Any], cohort: Cohort) -> CheckedFolds:
    """Verify the folds of an experiment.

    Args:
        record: Of any of its runs.
        data: The section `data` of that run's configuration.
        cohort: The cohort.
    """
    unknown = pd.DataFrame(columns=list(COLUMNS))
    folds, seed = int(data["folds"]), int(data.get("split_seed", 0))
    try:
        splits = load_splits(cohort, folds, seed)
    except ValueError as error:
        return CheckedFolds(f"Not verified: {error}", unknown)
    if splits.fingerprint != record.splits:
        statement = f"Not verified: the cohort now holds the folds {splits.fingerprint}, the runs used {record.splits}."
        return CheckedFolds(statement, unknown)
    return CheckedFolds(_statement(splits, cohort), _parts(splits, cohort, folds, seed))


def packed_folds(run: FoundRun) -> CheckedFolds:
    """Folds by the certificate that a pack brought along: its hash is compared, groups can't be without the cohort."""
    unknown = pd.DataFrame(columns=list(COLUMNS))
    path = run.folder.path.parents[1] / PACKED
    if not path.is_file():
        return CheckedFolds("Not verified: the cohort isn't where the runs found it, or has changed.", unknown)
    entry = json.loads(path.read_text(encoding="utf-8"))
    splits = Splits(tuple(Fold(*map(tuple, map(one.get, PARTS))) for one in entry["folds"]), entry["seed"])
    if splits.fingerprint != run.record.splits:
        statement = f"Not verified: the pack brought the folds {splits.fingerprint}, its runs used {run.record.splits}."
        return CheckedFolds(statement, unknown)
    statement = (
        f"Folds {splits.fingerprint}, seed {splits.seed}, the same for all networks. The pack's certificate has their "
        "hash; that no group stands in two parts is what it says, and can be verified where the cohort is."
    )
    return CheckedFolds(statement, _part_table(splits, entry["contents"]))


def _statement(splits: Splits, cohort: Cohort) -> str:
    """What holds for the folds; `load_splits` has refused all others."""
    tested = {subject for fold in splits.folds for subject in fold.test}
    groups = len(set(cohort.groups.values()))
    return (
        f"Folds {splits.fingerprint}, seed {splits.seed}, the same for all networks. Verified: no group stands in two "
        f"parts of a fold ({groups} groups), no subject is tested twice, and {len(tested)} of "
        f"{len(cohort.subjects)} subjects are tested."
    )


def _parts(splits: Splits, cohort: Cohort, folds: int, seed: int) -> pd.DataFrame:
    certificate = splits_path(cohort.path, folds, seed).with_suffix(".json")
    return _part_table(splits, json.loads(certificate.read_text(encoding="utf-8"))["contents"])


def _part_table(splits: Splits, contents: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = [
        (
            one["fold"],
            one["part"],
            one["subjects"],
            one["groups"],
            ", ".join(one["missing"]) or "none",
            ", ".join(getattr(splits.folds[one["fold"]], one["part"])),
        )
        for one in contents
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
