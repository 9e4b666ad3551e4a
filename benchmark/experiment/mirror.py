"""An experiment's summary in Weights & Biases: its tables, figures and cases."""

import json
from pathlib import Path

import pandas as pd
import wandb

from benchmark.runs.evidence import GRID
from benchmark.training.tracking import WandbMode
from benchmark.training.wandb_mirror import start
from datamodules.files import digest


def mirror_report(report: Path, runs: Path, experiment: str, mode: WandbMode) -> None:
    """Add a summary run to an experiment: its comparison tables, its figures, and all cases as an artifact.

    Args:
        report: The experiment's part of a report.
        runs: Folder of its runs.
        experiment: Its name.
        mode: Of Weights & Biases.
    """
    if mode == "disabled":
        return
    grid = digest(json.loads((runs / GRID).read_text(encoding="utf-8")))
    identity = {"group": experiment, "job_type": "summary", "name": f"{experiment} summary"}
    with start(runs, mode=mode, id=digest([experiment, "summary", grid]), **identity) as run:
        tables = {f"tables/{path.stem}": pd.read_csv(path, dtype=str) for path in sorted(report.glob("tables/*.csv"))}
        run.log({name: wandb.Table(dataframe=table) for name, table in tables.items()})
        run.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in sorted(report.glob("figures/*.png"))})
        cases = wandb.Artifact(f"{experiment}-cases", "cases")
        cases.add_file(str(report / "cases.csv"))
        run.log_artifact(cases)
