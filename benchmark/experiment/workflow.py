"""What `petmr run` does from beginning to end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from benchmark.console import progress, show_table, stdout
from benchmark.experiment.conditions import Condition
from benchmark.experiment.definition import Experiment, about, expand, load_experiment
from benchmark.experiment.launch import Launcher, Outcome, check, choose, launch, plan, splits_of
from benchmark.experiment.local import LocalLauncher, gpus, slots
from benchmark.experiment.status import expect, read_progress, status_table, summary, unmeasured
from benchmark.runs.about import write_about
from benchmark.runs.evidence import write_grid
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.settings import Run
from benchmark.statistics.covariates import Covariate
from benchmark.training.tracking import WandbMode
from datamodules.cohort.store import Cohort, open_cohort
from datamodules.cohort.verify import verify_volumes


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
        tuned: What `petmr tune` has written.

    Raises:
        ValueError: If there is to be less than one run at a time.
    """

    only: str = "*"
    scale: str | None = None
    jobs: int | None = None
    launcher: Literal["local", "slurm"] = "local"
    wandb: WandbMode = "offline"
    restart: bool = False
    tuned: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise ValueError(f"At least one run goes on at a time, got --jobs {self.jobs}.")


def run_experiment(path: Path, cohort: Path | None, output: Path | None, options: RunOptions) -> None:
    """Run what isn't done of an experiment, test it under its conditions, then write and print its tables.

    Raises:
        FileNotFoundError: If the experiment or the cohort is missing.
        ValueError: If one of them can't be used, or if runs aren't done.
    """
    experiment = load_experiment(path, options.scale, options.tuned)
    opened, folder = open_cohort_of(experiment, cohort), output or Path("runs") / experiment.name
    conditions = experiment.conditions.all(opened.modalities)  # refused before days are spent
    _check_covariates(experiment, opened)
    with progress("verify", len(opened.subjects)) as advance:
        verify_volumes(opened, advance)
    outcomes = _launch(experiment, opened, folder, options)
    problems = [f"{outcome.run.name} {outcome.state}: {outcome.message}" for outcome in outcomes if outcome.message]
    if problems:
        problems.insert(0, f"{len(problems)} of {len(outcomes)} runs aren't done; the same command goes on.")
    if any(RunFolder(folder / run.name).is_done() for run in expand(experiment)):
        for condition in conditions:
            problems += _attempt(f"Not tested under {condition.name}", partial(_test, folder, condition, options))
        problems += _attempt("There is no report", lambda: _report(experiment, folder, options.wandb))
    if problems:
        raise ValueError("\n\n".join(problems))


def _attempt(problem: str, act: Callable[[], None]) -> list[str]:
    """Do something whose failure is told later."""
    try:
        act()
    except (OSError, ValueError) as error:
        return [f"{problem}: {error}"]
    return []


def _test(folder: Path, condition: Condition, options: RunOptions) -> None:
    """Test the finished runs again that a condition concerns.

    Raises:
        ValueError: If that is no work for this machine, or a checkpoint doesn't fit.
    """
    if options.launcher == "slurm":
        raise ValueError(f"this machine isn't the cluster's: use `petmr evaluate {folder}` in a job.")
    from benchmark.experiment.evaluate import concerned, evaluate_all  # torch and lightning

    if concerned([folder], condition):
        evaluate_all([folder], condition)


def _check_covariates(experiment: Experiment, cohort: Cohort) -> None:
    known = {name for subject in cohort.subjects.values() for name in subject.covariates}
    asked = [Covariate.parse(text).name for text in experiment.report.by]
    if unknown := [name for name in asked if name not in known]:
        listed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"Covariate {', '.join(unknown)} isn't known: the cohort has {listed}.")


def open_cohort_of(experiment: Experiment, cohort: Path | None) -> Cohort:
    """The cohort that is given, or else the one that the experiment names.

    Raises:
        FileNotFoundError: If it isn't there.
        ValueError: If there is neither.
    """
    if cohort is None and experiment.cohort is None:
        raise ValueError(f"'{experiment.name}' names no cohort: give one with --cohort.")
    return open_cohort(cohort or Path(str(experiment.cohort)))


def show_plan(path: Path, cohort: Path | None, output: Path | None, options: RunOptions) -> None:
    """Print the runs of an experiment and how long those that are left may take; start nothing.

    Raises:
        FileNotFoundError: If the experiment or the cohort is missing.
        ValueError: If one of them can't be used, or if networks can't be trained.
    """
    experiment = load_experiment(path, options.scale, options.tuned)
    opened = open_cohort_of(experiment, cohort)
    place = output or Path("runs") / experiment.name
    planned = choose(experiment, place, options.only)
    if not options.restart:
        check(planned, opened, splits_of(experiment, opened))
    known = read_progress([folder for _, folder in planned])
    first = {run.variant: run for run, _ in reversed(planned)}
    new = [] if options.launcher == "slurm" else [first[variant] for variant in unmeasured(known)]
    estimates, refused = _estimates(new, experiment, opened)
    rows = expect(known, estimates)
    show_table(status_table(rows), f"{experiment.name}: {len(planned)} runs")
    stdout.print(summary(rows), markup=False)
    if refused:
        raise ValueError("\n".join(refused))


def _estimates(runs: Sequence[Run], experiment: Experiment, cohort: Cohort) -> tuple[dict[str, float], list[str]]:
    """Variant to the seconds that its run takes, as timed here, and why others could not be."""
    if not runs:
        return {}, []
    from benchmark.experiment.estimate import estimate  # torch and lightning

    estimates, refused = {}, []
    found, each = _devices(experiment)
    processes = each if found else 1  # those of a CPU share its cores
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
    from benchmark.experiment.mirror import mirror_report  # wandb
    from benchmark.report.console import make_report  # matplotlib, which a dry run needn't wait for

    make_report([folder], folder / "report")
    mirror_report(folder / "report" / experiment.name, folder, experiment.name, wandb)


def _launch(experiment: Experiment, cohort: Cohort, folder: Path, options: RunOptions) -> list[Outcome]:
    splits = splits_of(experiment, cohort)
    planned = plan(experiment, cohort, splits, folder, options.only, restart=options.restart)
    write_grid(folder, [RunRecord.of(run, cohort, splits) for run in expand(experiment)])
    write_about(folder, about(experiment))
    launcher, at_once = _launcher(experiment, folder, options, len(planned))
    with progress(experiment.name, len(planned)) as advance:

        def report(outcome: Outcome) -> None:
            advance(f"{outcome.run.name} {outcome.state}")

        return launch(planned, cohort, splits, launcher, at_once=at_once, wandb=options.wandb, report=report)


def _launcher(experiment: Experiment, folder: Path, options: RunOptions, runs: int) -> tuple[Launcher, int]:
    if options.launcher == "slurm":
        from benchmark.experiment.slurm import SlurmLauncher

        return SlurmLauncher(experiment.resources, folder.resolve() / "slurm"), options.jobs or runs
    shares = slots(*_devices(experiment), options.jobs)
    return LocalLauncher(shares), len(shares)


def _devices(experiment: Experiment) -> tuple[list[str], int]:
    """The GPUs that there are for runs, and how many each run uses.

    Raises:
        ValueError: If runs use different numbers.
    """
    trainers = [run.config["trainer"] for run in expand(experiment)]
    wanted = {str(trainer.get("devices", "auto")) for trainer in trainers}
    if len(wanted) > 1:
        raise ValueError(
            f"{experiment.name}: its variants ask for different trainer.devices ({', '.join(sorted(wanted))}), but "
            "GPUs are shared out evenly: put them into experiments of their own."
        )
    trainer = trainers[0]
    found = [] if trainer.get("accelerator") == "cpu" else gpus()
    devices = trainer.get("devices", "auto")
    each = len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdecimal() else len(found)
    return found, max(each, 1)
