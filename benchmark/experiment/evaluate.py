"""`petmr evaluate`: finished runs tested again under another condition, without training."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from benchmark.console import progress
from benchmark.experiment.conditions import Condition
from benchmark.experiment.scores import cases_of_run
from benchmark.experiment.status import find_runs
from benchmark.runs.adopted import is_adopted
from benchmark.runs.folder import RunFolder
from benchmark.runs.seal import seal
from benchmark.runs.settings import merge
from benchmark.training.cli import build
from benchmark.training.quiet import without_notices
from datamodules.files import read_json, write_csv, write_json, write_text


def evaluate_all(folders: Sequence[Path], condition: Condition, only: str = "*") -> None:
    """Test the best checkpoint of every finished run that the condition concerns, and score what it predicts.

    Args:
        folders: Of experiments.
        condition: What is different.
        only: Pattern over `variant/fold-0-seed-0`.

    Raises:
        FileNotFoundError: If a folder holds no runs.
        ValueError: If no run is finished, or a checkpoint doesn't fit the cohort.
    """
    chosen = concerned(folders, condition, only)
    if not chosen:
        raise ValueError(f"No run that matches '{only}' is done and concerned by {condition.name}.")
    with progress(condition.name, len(chosen)) as advance:
        for folder in chosen:
            evaluate_run(folder, condition)
            advance(folder.name)


def concerned(folders: Sequence[Path], condition: Condition, only: str = "*") -> list[RunFolder]:
    """The finished runs to which a condition makes a difference; adopted ones have no network to test again."""
    found = [run for folder in folders for run in find_runs(folder) if fnmatch(run.name, only)]
    trained = [run for run in found if run.is_done() and not is_adopted(run.read_record())]
    return [run for run in trained if condition.applies_to(_config(run))]


@without_notices()
def evaluate_run(folder: RunFolder, condition: Condition) -> None:
    """Test one run; nothing is done where that has been done before.

    Raises:
        ValueError: If its checkpoint doesn't fit the cohort.
    """
    predictions = folder.path / f"predictions-{condition.name}"
    config, marker = predictions / "config.yaml", predictions / "done.json"
    write_text(config, yaml.safe_dump(_changed(_config(folder), condition, predictions), sort_keys=False))
    cli = build(["--config", str(config)], run=False)
    record, cohort = folder.read_record(), cli.datamodule.cohort
    known = {"identity": record.identity, "cohort": cohort.fingerprint, "data": dict(condition.data)}
    table = folder.path / f"cases-{condition.name}.csv"
    if table.is_file() and read_json(marker) == known | seal(folder.path, [table.name]):
        return
    best = str(folder.checkpoints / "best.ckpt")
    cli.trainer.test(cli.model, datamodule=cli.datamodule, ckpt_path=best, weights_only=True, verbose=False)
    cases = cases_of_run(record, cohort, cli.datamodule.parts.test, predictions)
    write_csv(table, cases.assign(**condition.columns))
    write_json(marker, known | seal(folder.path, [table.name]))


def _config(folder: RunFolder) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    return config


def _changed(config: Mapping[str, Any], condition: Condition, predictions: Path) -> dict[str, Any]:
    """The configuration of a run for its test under a condition: in this process alone, and no logger."""
    writer = {"class_path": "benchmark.training.callbacks.PredictionWriter", "init_args": {"folder": str(predictions)}}
    trainer = {"logger": False, "callbacks": [writer], "devices": 1, "num_nodes": 1, "strategy": "auto"}
    return merge(config, {"data": condition.data, "trainer": {**trainer, "default_root_dir": str(predictions)}})
