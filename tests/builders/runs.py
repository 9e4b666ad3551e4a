"""Finished run folders on disk: cases of `cases_builder` with everything a report reads, trained by nobody."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmark.labelling.predictions import write_prediction
from benchmark.runs.folder import RunFolder
from benchmark.runs.seal import seal
from datamodules.cohort.splits import load_splits
from datamodules.cohort.store import Cohort, open_cohort, volume_file
from datamodules.sources.subjects import PARTS

RECORD = ("experiment", "variant", "network", "fold", "seed", "identity", "cohort", "splits")


def write_runs(folder: Path, cases: pd.DataFrame, cohort: Path = Path("nowhere"), epochs: int = 4) -> Path:
    """One finished run for every variant, fold and seed of some cases."""
    folds = int(cases["fold"].max()) + 1
    for (variant, fold, seed), own in cases.groupby(["variant", "fold", "seed"], sort=False):
        run = RunFolder(folder / f"{variant}/fold-{fold}-seed-{seed}")
        run.path.mkdir(parents=True)
        own.to_csv(run.cases, index=False)
        first = own.iloc[0]
        run.record.write_text(json.dumps({key: first[key] for key in RECORD}, default=int))
        network = {"class_path": f"models.{variant}", "init_args": {"width": 8}}
        data = {"cohort": str(cohort), "folds": folds, "fold": int(fold), "seed": int(seed)}
        run.config.write_text(yaml.safe_dump({"data": data, "model": {"network": network, "learning_rate": 1e-4}}))
        cost = {"seconds": 60.0 + len(str(variant)), "steps": 10, "parameters": 1000000 * len(str(variant))}
        run.settings.write_text("{}")
        names = {part: sorted(own["subject"].unique()) if part == "test" else [] for part in PARTS}
        run.parts.write_text(json.dumps({**names, "structures": list(own["structure"].unique())}))
        run.checkpoints.mkdir()
        (run.checkpoints / "best.ckpt").write_bytes(b"weights")
        told = {**cost, "hardware": "CPU", "versions": {"torch": "2.13.0"}}
        run.done.write_text(json.dumps(told | seal(run.path)))
        write_log(run, epochs)
    return folder


def write_condition(run: Path, name: str, cases: pd.DataFrame) -> None:
    """What a finished run scored under another condition."""
    table, marker = run / f"cases-{name}.csv", run / f"predictions-{name}/done.json"
    cases.to_csv(table, index=False)
    marker.parent.mkdir()
    marker.write_text(json.dumps(seal(run, [table.name])))


def seal_again(run: Path) -> None:
    """Let a run swear to the files that it has now, as if it had written them."""
    folder = RunFolder(run)
    folder.done.write_text(json.dumps(json.loads(folder.done.read_text()) | seal(run)))


def write_log(run: RunFolder, epochs: int) -> None:
    log = run.path / "log/version_0/metrics.csv"
    log.parent.mkdir(parents=True)
    epoch = np.arange(epochs)
    lines = {
        "epoch": epoch,
        "step": 10 * epoch,
        "train/loss": 2 / (1 + epoch),
        "val/dice": 0.8 * (1 - 0.5 ** (1 + epoch)),
    }
    pd.DataFrame(lines).to_csv(log, index=False)


def cases_on(cohort: Cohort, cases: pd.DataFrame, folds: int) -> pd.DataFrame:
    """The same cases, but of the cohort's subjects in its own folds."""
    splits = load_splits(cohort, folds, 0)
    names = dict(zip(sorted(cases["subject"].unique()), sorted(cohort.subjects), strict=True))
    tested = {subject: number for number, fold in enumerate(splits.folds) for subject in fold.test}
    subjects = cases["subject"].map(names)
    return cases.assign(
        subject=subjects,
        fold=subjects.map(tested),
        cohort=cohort.fingerprint,
        splits=splits.fingerprint,
        identity="same",
    )


def write_predictions(folder: Path, cohort: Cohort, subjects: Sequence[str]) -> None:
    """For every run the predictions of those of some subjects that it tests: the truth, moved by some voxels."""
    splits = load_splits(cohort, *_folds_and_seed(cohort))
    for index, config in enumerate(sorted(folder.glob("*/*/config.yaml"))):
        run = RunFolder(config.parent)
        fold = json.loads(run.record.read_text())["fold"]
        for subject in set(subjects) & set(splits.folds[fold].test):
            write_prediction(run.predictions, cohort, subject, np.roll(cohort.label(subject), 1 + index % 4, index % 3))


def multiply(cohort: Cohort, folder: Path, subjects: int) -> Cohort:
    """A cohort of many subjects that all have the first one's volumes, by hard links."""
    entry = json.loads((cohort.path / "cohort.json").read_text())
    first = entry["subjects"][0]
    names = [f"s{number:03d}" for number in range(subjects)]
    entry["subjects"] = [{**first, "id": name, "group": name} for name in names]
    (folder / "volumes").mkdir(parents=True)
    for name in names:
        for kind in first["volumes"]:
            os.link(cohort.path / volume_file(first["id"], kind), folder / volume_file(name, kind))
    (folder / "cohort.json").write_text(json.dumps(entry))
    return open_cohort(folder)


def _folds_and_seed(cohort: Cohort) -> tuple[int, int]:
    (file,) = (cohort.path / "splits").glob("*.json")
    folds, _, _, seed = file.stem.split("-")
    return int(folds), int(seed)
