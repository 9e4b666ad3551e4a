"""One run in a process of its own: train, test, predict, score. `python -m benchmark.run FOLDER`."""

import os
import platform
import signal
import sys
import threading
import time
import warnings
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from benchmark.cli import BenchmarkCLI, build
from benchmark.lock import LockedError, locked
from benchmark.run_folder import RunFolder, read_json
from benchmark.score import score_run
from datamodules.files import write_json

PATIENCE_S = 15.0
"""For a process that is just ending, as after the command that started it was killed."""

VERSIONS_OF = ("petmr-bench", "torch", "lightning", "monai", "numpy")


def execute(folder: RunFolder) -> None:
    """Bring a begun run to its end; training goes on from the last finished epoch where there is one.

    Raises:
        SIGTERMException: If the process was told to stop; the checkpoint of the last epoch is kept.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    cli = build(["--config", str(folder.config)], run=False)
    _log_configuration(cli)
    last = folder.checkpoints / "last.ckpt"
    resume = str(last) if last.is_file() else None
    cli.trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=resume, weights_only=True)
    if cli.trainer.received_sigterm:  # Lightning ends quietly then, with exit code 0
        raise SIGTERMException
    best = str(folder.checkpoints / "best.ckpt")
    cli.trainer.test(cli.model, datamodule=cli.datamodule, ckpt_path=best, weights_only=True, verbose=False)
    cli.trainer.strategy.barrier("predictions")
    if cli.trainer.is_global_zero:
        score_run(folder, cli.datamodule.cohort, cli.datamodule.parts.test)
        write_json(folder.done, _summary(cli, folder))


def _log_configuration(cli: BenchmarkCLI) -> None:
    """Give every logger the whole configuration, as the network's settings stand nowhere else."""
    for each in cli.trainer.loggers:
        each.log_hyperparams(cli.resolved())


def _summary(cli: BenchmarkCLI, folder: RunFolder) -> dict[str, Any]:
    return {
        **read_json(folder.progress),
        "steps": cli.trainer.global_step,
        "parameters": sum(parameter.numel() for parameter in cli.model.network.parameters()),
        "best_validation_dice": float(cli.trainer.checkpoint_callback.best_model_score),  # type: ignore[union-attr]
        "devices": cli.trainer.num_devices * cli.trainer.num_nodes,
        "hardware": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "CPU",
        "versions": {name: version(name) for name in VERSIONS_OF},
    }


def follow_parent(seconds: float = 1.0) -> None:
    """Stop when the process that started this one is gone, so that no orphan trains on unseen."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE_S / 2)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Run the folder named on the command line; the first of several ranks holds its lock and says how it ended."""
    warnings.filterwarnings("ignore", message=".*(does not have many workers|args parameter is intended|LeafSpec).*")
    folder = RunFolder(Path(sys.argv[1]))
    first = int(os.environ.get("LOCAL_RANK", 0)) == int(os.environ.get("NODE_RANK", 0)) == 0
    follow_parent()
    started = time.time()
    state = "failed"
    try:
        with locked(folder.lock, PATIENCE_S) if first else nullcontext():
            try:
                execute(folder)
                state = "done"
            except SIGTERMException:
                state = "preempted"
                sys.exit("Stopped by SIGTERM; the same command goes on from the last finished epoch.")
            finally:
                if first:
                    write_json(folder.ended, {"state": state, "seconds": round(time.time() - started, 1)})
    except LockedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
