"""What `petmr run` does from beginning to end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.console import progress, show_table, stdout
from benchmark.evidence import write_grid
from benchmark.experiment import Experiment, Run, expand, load_experiment
from benchmark.launch import Launcher, Outcome, launch, plan, record_of
from benchmark.local import LocalLauncher, gpus, slots
from benchmark.run_folder import RunFolder
from benchmark.status import status_table, summary, unmeasured
from benchmark.tracking import WandbMode
from datamodules.cohort import Cohort, open_cohort


@dataclass(frozen=True)
class RunOptions:
    """How the runs of an experiment are chosen and started.

    Attributes:
        only: Pattern over their names.
        scale: To use instead of the experiment's.
        jobs: Runs at a time; where not given as many as find GPUs of their own, or one.
        launcher: On this machine, or as jobs of a SLURM cluster.
        wandb: Mode of Weights & Biases.
        restart: Whether chosen runs start over.
    """

    only: str = "*"
    scale: str | None = None
    jobs: int | None = None
    launcher: Literal["local", "slurm"] = "local"
    wandb: WandbMode = "offline"
    restart: bool = False


def run_experiment(path: Path, cohort: Path, output: Path | None, options: RunOptions) -> None:
    """Run what isn't done of an experiment, then write and print its tables.

    Raises:
        FileNotFoundError: If the experiment or the cohort is missing.
        ValueError: If one of them can't be used, or if runs aren't done.
    """
    experiment, opened = load_experiment(path, options.scale), open_cohort(cohort)
    folder = output or Path("runs") / experiment.name
    outcomes = _launch(experiment, opened, folder, options)
    if any(RunFolder(folder / run.name).is_done() for run in expand(experiment)):
        _report(experiment, folder, options.wandb)
    failed = [outcome for outcome in outcomes if outcome.message]
    if failed:
        listed = "\n\n".join(f"{outcome.run.name} {outcome.state}: {outcome.message}" for outcome in failed)
        raise ValueError(f"{len(failed)} of {len(outcomes)} runs aren't done; the same command goes on.\n{listed}")


def show_plan(path: Path, cohort: Path, output: Path | None, options: RunOptions) -> None:
    """Print the runs of an experiment and how long those that are left may take; start nothing.

    Raises:
        FileNotFoundError: If the experiment or the cohort is missing.
        ValueError: If one of them can't be used, or if networks can't be trained.
    """
    experiment, opened = load_experiment(path, options.scale), open_cohort(cohort)
    planned = plan(experiment, opened, output or Path("runs") / experiment.name, options.only)
    folders = [folder for _, folder in planned]
    first = {run.variant: run for run, _ in reversed(planned)}
    new = [] if options.launcher == "slurm" else [first[variant] for variant in unmeasured(folders)]
    estimates, refused = _estimates(new, experiment, opened)
    show_table(status_table(folders, estimates), f"{experiment.name}: {len(planned)} runs")
    stdout.print(summary(folders, estimates), markup=False)
    if refused:
        raise ValueError("\n".join(refused))


def _estimates(runs: Sequence[Run], experiment: Experiment, cohort: Cohort) -> tuple[dict[str, float], list[str]]:
    """Variant to the seconds that its run takes, as timed here, and why others could not be."""
    if not runs:
        return {}, []
    from benchmark.estimate import estimate  # torch and lightning

    estimates, refused = {}, []
    processes = _devices(experiment)[1] * experiment.resources.nodes
    with progress("time each network", len(runs)) as advance:
        for run in runs:
            try:
                estimates[run.variant] = estimate(run, cohort) / processes
            except ValueError as error:
                refused.append(str(error))
            advance(run.variant)
    return estimates, refused


def _report(experiment: Experiment, folder: Path, wandb: WandbMode) -> None:
    """Write the report of an experiment below its runs, as `report/`, print its main tables, and mirror it."""
    from benchmark.mirror import mirror_report  # wandb
    from benchmark.report.console import make_report  # matplotlib, which a dry run needn't wait for

    make_report([folder], folder / "report")
    mirror_report(folder / "report" / experiment.name, folder, experiment.name, wandb)


def _launch(experiment: Experiment, cohort: Cohort, folder: Path, options: RunOptions) -> list[Outcome]:
    planned = plan(experiment, cohort, folder, options.only, restart=options.restart)
    write_grid(folder, [record_of(run, experiment, cohort) for run in expand(experiment)])
    launcher, at_once = _launcher(experiment, folder, options, len(planned))
    with progress(experiment.name, len(planned)) as advance:

        def report(outcome: Outcome) -> None:
            advance(f"{outcome.run.name} {outcome.state}")

        return launch(planned, experiment, cohort, launcher, at_once=at_once, wandb=options.wandb, report=report)


def _launcher(experiment: Experiment, folder: Path, options: RunOptions, runs: int) -> tuple[Launcher, int]:
    if options.launcher == "slurm":
        from benchmark.slurm import SlurmLauncher

        return SlurmLauncher(experiment.resources, folder.resolve() / "slurm"), options.jobs or runs
    shares = slots(*_devices(experiment), options.jobs)
    return LocalLauncher(shares), len(shares)


def _devices(experiment: Experiment) -> tuple[list[str], int]:
    """The GPUs that there are for runs, and how many each run uses."""
    trainer = expand(experiment)[0].config["trainer"]
    found = [] if trainer.get("accelerator") == "cpu" else gpus()
    devices = trainer.get("devices", "auto")
    each = len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdecimal() else len(found)
    return found, max(each, 1)
