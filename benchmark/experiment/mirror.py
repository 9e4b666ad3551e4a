"""An experiment's summary in Weights & Biases: its verdict, tables, figures, cases and page."""

import json
from pathlib import Path

import pandas as pd
import wandb

from benchmark.report.write import PAGE, VERDICT
from benchmark.runs.evidence import GRID
from benchmark.training.tracking import WandbMode
from benchmark.training.wandb_mirror import start
from datamodules.files import digest, read_json


def mirror_report(report: Path, runs: Path, experiment: str, mode: WandbMode) -> None:
    """Add a summary run to an experiment: verdict, tables and figures, all cases and the page as artifacts.

    Args:
        report: The experiment's part of a report, which lies beside the page.
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
        run.summary.update({f"verdict/{name}": told for name, told in read_json(report / VERDICT).items()})
        _keep(run, f"{experiment}-cases", "cases", report / "cases.csv")
        _keep(run, f"{experiment}-report", "report", report.parent / PAGE)


def _keep(run: wandb.Run, name: str, kind: str, file: Path) -> None:
    artifact = wandb.Artifact(name, kind)
    artifact.add_file(str(file))
    run.log_artifact(artifact)
