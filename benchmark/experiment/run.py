"""One run in a process of its own: train, test, predict, score. `python -m benchmark.experiment.run FOLDER`."""

import platform
import sys
import time
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities.exceptions import SIGTERMException

from benchmark.bench.profile import Sizes, count_network
from benchmark.experiment.hardware import hardware
from benchmark.experiment.scores import score_run
from benchmark.runs.folder import PATIENCE_S, RunFolder
from benchmark.runs.lock import LockedError, locked
from benchmark.runs.seal import seal
from benchmark.training.cli import BenchmarkCLI, build
from benchmark.training.processes import is_first
from benchmark.training.quiet import speak
from benchmark.training.stopping import follow_parent, listen
from datamodules.files import read_json, remove_temporaries, write_json

KEPT = ("epoch", "epochs", "seconds")
"""Of the last progress."""

VERSIONS_OF = ("petmr-bench", "torch", "lightning", "monai", "numpy", "scipy")


def execute(folder: RunFolder) -> None:
    """Bring a begun run to its end; training goes on from the last finished epoch where there is one.

    Raises:
        SIGTERMException: If the process was told to stop; the checkpoint of the last epoch is kept.
    """
    cli = build(["--config", str(folder.config)], run=False)
    _log_configuration(cli)
    last = folder.checkpoints / "last.ckpt"
    resume = str(last) if last.is_file() else None
    cli.trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=resume, weights_only=True)
    if cli.trainer.received_sigterm:  # Lightning ends quietly then, with exit code 0
        raise SIGTERMException
    best = str(folder.checkpoints / "best.ckpt")
    started = time.monotonic()
    cli.trainer.test(cli.model, datamodule=cli.datamodule, ckpt_path=best, weights_only=True, verbose=False)
    cli.trainer.strategy.barrier("predictions")
    tested = cli.datamodule.parts.test
    pace = (time.monotonic() - started) / len(tested)
    if cli.trainer.is_global_zero:
        score_run(folder, cli.datamodule.cohort, tested)
        told = {**_summary(cli, folder), "seconds_per_subject": round(pace, 3)}
        write_json(folder.done, told | seal(folder.path))


def _log_configuration(cli: BenchmarkCLI) -> None:
    """Give every logger the whole configuration, as the network's settings stand nowhere else."""
    for each in cli.trainer.loggers:
        each.log_hyperparams(cli.resolved())


def _summary(cli: BenchmarkCLI, folder: RunFolder) -> dict[str, Any]:
    return {
        **{key: value for key, value in read_json(folder.progress).items() if key in KEPT},
        "steps": cli.trainer.global_step,
        "parameters": sum(parameter.numel() for parameter in cli.model.network.parameters()),
        **_gmac(cli),
        "best_validation_dice": float(cli.trainer.checkpoint_callback.best_model_score),  # type: ignore[union-attr]
        "devices": cli.trainer.num_devices * cli.trainer.num_nodes,
        "world_size": cli.trainer.world_size,
        "numerics": cli.numerics(),
        "validated": list(cli.datamodule.validated),
        "hardware": hardware(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS_OF}},
    }


def _gmac(cli: BenchmarkCLI) -> dict[str, float]:
    """Multiply-adds of one patch; nothing for a network that looks at values, as one of the user's own may."""
    data = cli.datamodule
    try:
        counts = count_network(cli.model.network, Sizes(data.patch_size, data.in_channels, data.out_channels))
    except (NotImplementedError, RuntimeError):
        return {}
    return {"gmac": round(counts.gmac, 3)}


def work(folder: RunFolder) -> None:
    """Bring a run to its end and write how that was, as seen by this rank.

    Raises:
        SIGTERMException: If the process was told to stop.
    """
    started = time.time()
    state, error = "failed", ""
    try:
        execute(folder)
        state = "done"
    except SIGTERMException:
        state = "preempted"
        raise
    except Exception as reason:
        error = f"{type(reason).__name__}: {reason}"
        raise
    finally:
        first_failure = state == "failed" and not folder.ended.exists()  # what other ranks say follows from it
        if first_failure or (state != "failed" and is_first()):
            write_json(folder.ended, {"state": state, "seconds": round(time.time() - started, 1), "error": error})


def main() -> None:
    """Run the folder named on the command line; the first of several ranks holds its lock."""
    speak()
    folder = RunFolder(Path(sys.argv[1]))
    listen()
    follow_parent()
    try:
        with locked(folder.lock, PATIENCE_S) if is_first() else nullcontext():
            if is_first():
                if folder.is_done():  # by the process that held the lock until now
                    return
                remove_temporaries(folder.path)
                folder.ended.unlink(missing_ok=True)
            work(folder)
    except LockedError as error:
        sys.exit(str(error))
    except SIGTERMException:  # which would exit with 0
        sys.exit("Stopped by a signal; the same command goes on from the last finished epoch.")


if __name__ == "__main__":
    main()
