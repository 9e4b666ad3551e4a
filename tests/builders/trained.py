"""A tiny network, trained for one epoch on a tiny cohort, as a checkpoint."""

from pathlib import Path
from typing import Any

from benchmark.training.cli import build
from datamodules.cohort.store import Cohort

SIDE = 16


def train(cohort: Cohort, folder: Path, *, seed: int = 0, precision: str = "32-true", **data: Any) -> Path:
    """Fit a U-Net of width 4 for one epoch through the command line; returns its checkpoint."""
    settings = {"cohort": cohort.path, "folds": 2, "patch_size": [SIDE] * 3, "epoch_length": 24, "seed": seed, **data}
    words = [f"--data.{name}={value}" for name, value in settings.items()]
    words += ["--model.network=models.unet3d.UNet3D", "--model.network.init_args.width=4", f"--seed_everything={seed}"]
    words += [
        "--model.inference.window.batch=1",
        "--model.learning_rate=0.01",
        "--trainer.accelerator=cpu",
        "--trainer.max_epochs=1",
        f"--trainer.precision={precision}",
    ]
    words += ["--trainer.logger=false", "--trainer.enable_progress_bar=false", f"--trainer.default_root_dir={folder}"]
    cli = build([*words, "--trainer.enable_model_summary=false"], run=False)
    cli.trainer.fit(cli.model, datamodule=cli.datamodule)
    path = folder / f"seed-{seed}.ckpt"
    cli.trainer.save_checkpoint(path)
    return path
