"""Loggers of a run: CSV always, Weights & Biases as its mirror, never needed for a result."""

from pathlib import Path
from typing import Any, Literal

WandbMode = Literal["offline", "online", "disabled"]
PROJECT = "petmr-bench"


def loggers(
    folder: Path, *, mode: WandbMode, experiment: str, job_type: str, name: str, run_id: str
) -> list[dict[str, Any]]:
    """The `trainer.logger` entry of a run's configuration.

    Args:
        folder: The run's.
        mode: Of Weights & Biases; offline runs can be sent later with `wandb sync`.
        experiment: Groups its runs.
        job_type: The row of the table.
        name: Shown for the run.
        run_id: Kept across resumes.
    """
    csv = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": str(folder), "name": "log"}}
    if mode == "disabled":
        return [csv]
    mirror = {
        "folder": str(folder),
        "experiment": experiment,
        "job_type": job_type,
        "name": name,
        "run_id": run_id,
        "mode": mode,
    }
    return [csv, {"class_path": "benchmark.training.wandb_mirror.WandbMirror", "init_args": mirror}]
