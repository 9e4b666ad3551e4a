"""The verbs of an experiment: run, status, evaluate, report."""

from pathlib import Path
from typing import Literal


def run(
    experiment: Path,
    *,
    cohort: Path | None = None,
    output: Path | None = None,
    only: str = "*",
    scale: str | None = None,
    jobs: int | None = None,
    launcher: Literal["local", "slurm"] = "local",
    wandb: Literal["offline", "online", "disabled"] = "offline",
    dry_run: bool = False,
    restart: bool = False,
) -> None:
    """Train, test and score every run of an experiment that isn't done, then make its tables. Stop and go on at will.

    Args:
        experiment: Experiment file, such as experiments/demo.yaml.
        cohort: Prepared cohort; the one that the experiment names where not given.
        output: Folder of the runs; runs/NAME where not given.
        only: Pattern over the runs' names, such as 'vnet/*' or '*/fold-0-*'.
        scale: One of experiments/scales/ instead of the experiment's: demo, compact or paper.
        jobs: Runs at a time; one for each GPU (or group of trainer.devices GPUs), or one, where not given.
        launcher: Processes of this machine, or jobs of a SLURM cluster.
        wandb: Mode of Weights & Biases.
        dry_run: Print the runs, their state and the time they may take, as timed here; start nothing.
        restart: Start the chosen runs over.
    """
    from benchmark.experiment.workflow import RunOptions, run_experiment, show_plan

    work = show_plan if dry_run else run_experiment
    work(experiment, cohort, output, RunOptions(only, scale, jobs, launcher, wandb, restart))


def status(runs: Path) -> None:
    """Show how far the runs of an experiment have come.

    Args:
        runs: Folder of the runs, such as runs/overall.
    """
    from benchmark.console import show_table, stdout
    from benchmark.experiment.status import expect, find_runs, read_progress, status_table, summary

    rows = expect(read_progress(find_runs(runs)), estimates={})
    show_table(status_table(rows), str(runs))
    stdout.print(summary(rows), markup=False)


def evaluate(
    runs: list[Path],
    *,
    missing: str | None = None,
    noise: float | str | None = None,
    cohort: Path | None = None,
    name: str | None = None,
    only: str = "*",
    jobs: int | None = None,
) -> None:
    """Test finished runs again under one other condition, without training; `petmr report` shows it beside the rest.

    Args:
        runs: Folders of experiments, such as runs/overall.
        missing: Modality to set to 0, such as pet.
        noise: Noise to add to the PET: low, moderate, high, severe, or its share of the mean uptake, such as 0.15.
        cohort: Another prepared cohort, to test on all its subjects or on its own test part.
        name: Of that cohort in the tables; its folder's where not given.
        only: Pattern over the runs' names, such as 'vnet/*'.
        jobs: Runs tested at a time; one for each GPU, or one, where not given.
    """
    given = {"--missing": missing, "--noise": noise, "--cohort": cohort}
    asked = [option for option, value in given.items() if value is not None]
    if len(asked) != 1:
        raise ValueError(f"A test is repeated under one condition: give one of {', '.join(given)}, not {len(asked)}.")
    from benchmark.experiment.conditions import elsewhere, noisy, without
    from benchmark.experiment.workflow import evaluate as test_again

    if missing is not None:
        condition = without(missing)
    elif noise is not None:
        condition = noisy(noise)
    else:
        condition = elsewhere(Path(str(cohort)), name)
    test_again(runs, condition, only, jobs)


def report(runs: list[Path], *, output: Path = Path("report")) -> None:
    """Make tables, statistics, figures and one HTML page from finished runs; they say which runs are missing.

    Args:
        runs: Folders of experiments, such as runs/overall runs/fusion.
        output: Folder to write to.
    """
    from benchmark.report.console import make_report

    make_report(runs, output)
