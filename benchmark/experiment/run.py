"""One run: train, test, predict, score."""

import platform
from importlib.metadata import version
from typing import Any

from lightning.pytorch.utilities.exceptions import SIGTERMException

from benchmark.bench.profile import Sizes, count_network
from benchmark.checkpoints import drop_optimizer
from benchmark.experiment.hardware import hardware
from benchmark.experiment.retest import Retest
from benchmark.experiment.scores import cases_of_run
from benchmark.experiment.testing import forget_tables, predict_and_score
from benchmark.runs.folder import RunFolder
from benchmark.runs.seal import seal
from benchmark.scoring.case_table import read_cases
from benchmark.training.cli import BenchmarkCLI, build
from datamodules.files import read_json, write_csv, write_json

KEPT = ("epoch", "epochs", "seconds")
"""Of the last progress."""

BEST, LAST = "best.ckpt", "last.ckpt"
"""Names in the folder of checkpoints; the last one is there to go on with."""

VERSIONS_OF = ("petmr-bench", "torch", "lightning", "monai", "numpy", "scipy")


def execute(folder: RunFolder) -> None:
    """Bring a begun run to its end; training goes on from the last finished epoch, the test with the next subject.

    Raises:
        SIGTERMException: If the process was told to stop; the checkpoint of the last epoch is kept.
    """
    cli = build(["--config", str(folder.config)], run=False)
    if not folder.trained.is_file():
        train(cli, folder)
    tables, pace = predict_and_score(cli, folder.checkpoints / BEST, folder.predictions, about={})
    if cli.trainer.is_global_zero:
        write_csv(folder.cases, cases_of_run(folder.read_record(), cli.datamodule.cohort, read_cases(tables)))
        told = {**_summary(cli, folder), "seconds_per_subject": round(pace, 3)}
        write_json(folder.done, told | seal(folder.path))
        forget_tables(tables)


def retest(place: Retest) -> None:
    """Test a finished run under a condition."""
    cli = build(["--config", str(place.config)], run=False)
    asked = place.read_asked()
    tables, _ = predict_and_score(cli, place.run.checkpoints / BEST, place.path, asked["about"])
    cases = cases_of_run(place.run.read_record(), cli.datamodule.cohort, read_cases(tables))
    write_csv(place.cases, cases.assign(**asked["columns"]))
    write_json(place.done, asked["about"] | seal(place.run.path, [place.cases.name]))
    forget_tables(tables)


def train(cli: BenchmarkCLI, folder: RunFolder) -> None:
    """Train to the last epoch, and leave the weights of the best one alone.

    Raises:
        SIGTERMException: If the process was told to stop.
        ValueError: If training ended before the first validation, so that no epoch is the best.
    """
    _log_configuration(cli)
    last, best = folder.checkpoints / LAST, folder.checkpoints / BEST
    resume = str(last) if last.is_file() else None
    cli.trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=resume, weights_only=True)
    if cli.trainer.received_sigterm:  # Lightning ends quietly then, with exit code 0
        raise SIGTERMException
    if cli.trainer.is_global_zero:
        if not best.is_file():
            raise ValueError(
                f"Training ended after {cli.trainer.global_step} steps, before its first validation, so that nothing "
                f"is kept: an epoch has {cli.trainer.num_training_batches} steps, and a validation ends one. Raise "
                "trainer.max_steps, or lower data.epoch_length."
            )
        drop_optimizer(best)
        score = cli.trainer.checkpoint_callback.best_model_score  # type: ignore[union-attr]
        write_json(folder.trained, {"steps": cli.trainer.global_step, "best_validation_dice": float(score)})
        last.unlink()
    cli.trainer.strategy.barrier("trained")


def _log_configuration(cli: BenchmarkCLI) -> None:
    """Give every logger the whole configuration, as the network's settings stand nowhere else."""
    for each in cli.trainer.loggers:
        each.log_hyperparams(cli.resolved())


def _summary(cli: BenchmarkCLI, folder: RunFolder) -> dict[str, Any]:
    return {
        **{key: value for key, value in read_json(folder.progress).items() if key in KEPT},
        **read_json(folder.trained),
        "parameters": sum(parameter.numel() for parameter in cli.model.network.parameters()),
        **_gmac(cli),
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
