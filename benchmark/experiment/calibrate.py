"""`petmr calibrate`: how sure finished runs are of their test subjects' labels, beside how often they are right."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd
import torch

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.console import progress
from benchmark.experiment.status import find_runs
from benchmark.labelling.whole_subjects import subject_probabilities
from benchmark.runs.adopted import is_adopted
from benchmark.runs.calibration import calibration_file, marker_of
from benchmark.runs.folder import RunFolder
from benchmark.runs.seal import broken, seal
from benchmark.scoring.calibration import bin_counts
from benchmark.training.cli import BenchmarkCLI, build
from benchmark.training.quiet import quiet
from datamodules.files import write_csv, write_json


def calibrate_all(folders: Sequence[Path], only: str = "*") -> None:
    """Measure the calibration of every finished run that was trained here; what was measured before is left alone.

    Args:
        folders: Of experiments.
        only: Pattern over `variant/fold-0-seed-0`.

    Raises:
        FileNotFoundError: If a folder holds no runs.
        ValueError: If none is finished, or a checkpoint can't be read.
    """
    found = [run for folder in folders for run in find_runs(folder) if fnmatch(run.name, only) and run.is_done()]
    chosen = [run for run in found if not is_adopted(run.read_record())]
    if not chosen:
        raise ValueError(f"No run that matches '{only}' is done and was trained here.")
    with progress("calibration", len(chosen)) as advance:
        for run in chosen:
            calibrate_run(run)
            advance(run.name)


def calibrate_run(folder: RunFolder) -> None:
    """Count the voxels of a run's test subjects by confidence into `calibration.csv`."""
    marker, table = marker_of(folder), calibration_file(folder)
    if marker.is_file() and not broken(folder.path, marker):
        return
    with quiet():
        cli = build(["--config", str(folder.config)], run=False)
    checkpoint = SafeCheckpointIO().load_checkpoint(folder.checkpoints / "best.ckpt")
    cli.model.load_state_dict(checkpoint["state_dict"])
    write_csv(table, pd.concat(_counts(cli)))
    write_json(marker, seal(folder.path, ["run.json", table.name]))


@torch.inference_mode()
def _counts(cli: BenchmarkCLI) -> list[pd.DataFrame]:
    task, data, device = cli.model.eval(), cli.datamodule, cli.trainer.strategy.root_device
    task.to(device)
    data.setup("test")
    tables = []
    for batch in data.test_dataloader():
        image = batch["image"][0].to(device)
        shares = subject_probabilities(task.network, image, task.partners, task.inference)
        confidence, prediction = shares.max(dim=0)
        maps = (batch["label"][0].numpy(), prediction.cpu().numpy(), confidence.float().cpu().numpy())
        counts = bin_counts(*maps, task.structures)
        counts.insert(0, "subject", batch["subject"][0])
        tables.append(counts)
    return tables
