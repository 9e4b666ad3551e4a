"""Loggers of a run: CSV always, Weights & Biases as its mirror, never needed for a result."""

import os
from pathlib import Path
from typing import Any, Literal

WandbMode = Literal["offline", "online", "disabled"]


def loggers(
    folder: Path, *, mode: WandbMode, project: str, experiment: str, job_type: str, name: str, run_id: str
) -> list[dict[str, Any]]:
    """The `trainer.logger` entry of a run's configuration.

    Args:
        folder: The run's.
        mode: Of Weights & Biases; offline runs can be sent later with `wandb sync`.
        project: Of Weights & Biases.
        experiment: Groups its runs.
        job_type: The network.
        name: Shown for the run.
        run_id: Kept across resumes.
    """
    csv = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": str(folder), "name": "log"}}
    if mode == "disabled":
        return [csv]
    wandb = {
        "project": project,
        "group": experiment,
        "job_type": job_type,
        "name": name,
        "id": run_id,
        "save_dir": str(folder),
        "offline": mode == "offline",
    }
    return [csv, {"class_path": "lightning.pytorch.loggers.WandbLogger", "init_args": wandb}]


def default_mode() -> WandbMode:
    """Offline: nothing leaves the machine unless asked for. `WANDB_MODE=disabled` turns it off."""
    return "disabled" if os.environ.get("WANDB_MODE") == "disabled" else "offline"
