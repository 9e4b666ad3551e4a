"""What `petmr run` does from beginning to end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.console import progress, show_table
from benchmark.evidence import write_grid
from benchmark.experiment import Experiment, expand, load_experiment
from benchmark.launch import Launcher, LocalLauncher, Outcome, gpus, launch, plan, record_of
from benchmark.run_folder import RunFolder
from benchmark.status import status_table
from benchmark.tracking import WandbMode
from datamodules.cohort import Cohort, open_cohort


@dataclass(frozen=True)
class RunOptions:
    """How the runs of an experiment are chosen and started.

    Attributes:
        only: Pattern over their names.
        jobs: Runs at a time; one for each GPU (or one) where not given.
        launcher: On this machine, or as jobs of a SLURM cluster.
        wandb: Mode of Weights & Biases.
        restart: Whether chosen runs start over.
    """

    only: str = "*"
    jobs: int | None = None
    launcher: Literal["local", "slurm"] = "local"
    wandb: WandbMode = "offline"
    restart: bool = False


def run_experiment(path: Path, cohort: Path, output: Path | None, options: RunOptions) -> None:
    """Run what isn't done of an experiment, then write and print its tables.

    Raises:
        FileNotFoundError: If the experiment or the cohort is missing.
        ValueError: If one of them can't be used, or if runs failed.
    """
    experiment, opened = load_experiment(path), open_cohort(cohort)
    folder = output or Path("runs") / experiment.name
    outcomes = _launch(experiment, opened, folder, options)
    if any(RunFolder(folder / run.name).is_done() for run in expand(experiment)):
        write_tables(experiment, opened, folder)
    failed = [outcome for outcome in outcomes if outcome.message]
    if failed:
        listed = "\n\n".join(f"{outcome.run.name} {outcome.state}: {outcome.message}" for outcome in failed)
        raise ValueError(f"{len(failed)} of {len(outcomes)} runs aren't done; the same command goes on.\n{listed}")


def show_plan(path: Path, cohort: Path, output: Path | None, only: str) -> None:
    """Print the runs of an experiment and how long those that are left may take; start nothing."""
    experiment, opened = load_experiment(path), open_cohort(cohort)
    planned = plan(experiment, opened, output or Path("runs") / experiment.name, only)
    show_table(status_table([folder for _, folder in planned]), f"{experiment.name}: {len(planned)} runs")


def write_tables(experiment: Experiment, cohort: Cohort, folder: Path) -> None:
    """Write the report of an experiment below its runs, as `report/`, and print its main tables."""
    from benchmark.report.console import make_report  # matplotlib, which a dry run needn't wait for

    write_grid(folder, [record_of(run, experiment, cohort) for run in expand(experiment)])
    make_report([folder], folder / "report")


def _launch(experiment: Experiment, cohort: Cohort, folder: Path, options: RunOptions) -> list[Outcome]:
    planned = plan(experiment, cohort, folder, options.only, restart=options.restart)
    launcher, at_once = _launcher(experiment, folder, options, len(planned))
    with progress(experiment.name, len(planned)) as advance:

        def report(outcome: Outcome) -> None:
            advance(f"{outcome.run.name} {outcome.state}")

        return launch(planned, experiment, cohort, launcher, at_once=at_once, wandb=options.wandb, report=report)


def _launcher(experiment: Experiment, folder: Path, options: RunOptions, runs: int) -> tuple[Launcher, int]:
    if options.launcher == "slurm":
        from benchmark.slurm import SlurmLauncher

        return SlurmLauncher(experiment.resources, folder.resolve() / "slurm"), options.jobs or runs
    devices = gpus()
    jobs = options.jobs or max(1, len(devices))
    one_each = len(devices) >= jobs > 1
    return LocalLauncher(jobs, devices if one_each else ()), jobs
