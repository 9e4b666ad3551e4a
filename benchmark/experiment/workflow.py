"""What `petmr run` does from beginning to end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.console import progress
from benchmark.experiment.conditions import Condition, check_elsewhere
from benchmark.experiment.definition import Experiment, about, expand, load_experiment
from benchmark.experiment.evaluate import retests
from benchmark.experiment.plan import plan, splits_of, training_jobs
from benchmark.experiment.status import standing
from benchmark.launching.forking import begin_importing
from benchmark.launching.launch import Job, Launcher, Outcome, launch
from benchmark.launching.local import LocalLauncher, gpus, slots
from benchmark.launching.resources import Resources
from benchmark.runs.about import write_about
from benchmark.runs.evidence import write_grid
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.runs.reading import check_structures, write_reading
from benchmark.runs.workplace import Workplace
from benchmark.statistics.covariates import Covariate
from benchmark.training.tracking import WandbMode
from benchmark.training.wandb_server import usable
from datamodules.cohort.store import Cohort, open_cohort
from datamodules.cohort.verify import verify_volumes

Shares = tuple[Sequence[str], int]
"""The GPUs that there are, and how many a process uses."""


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
    opened, folder = open_for(experiment, cohort), output or Path("runs") / experiment.name
    conditions = experiment.conditions.all(opened.modalities)  # refused before days are spent
    _check_covariates(experiment, opened)
    for condition in conditions:
        check_elsewhere(condition, opened)
    check_structures(experiment.report.scored, opened.protocol.names[1:])
    if options.launcher == "local":
        begin_importing()
    with progress("verify", len(opened.subjects)) as advance:
        verify_volumes(opened, advance)
    splits = splits_of(experiment, opened)
    planned = plan(experiment, opened, splits, folder, options.only, restart=options.restart)
    write_grid(folder, [RunRecord.of(run, opened, splits) for run in expand(experiment)])
    write_about(folder, about(experiment))
    write_reading(folder, experiment.reading)
    mode = usable(options.wandb)
    devices = devices_of(experiment)
    launcher = _launcher(options, folder, devices, experiment.resources)
    problems = bring(experiment.name, training_jobs(planned, opened, splits, mode), launcher)
    if any(RunFolder(folder / run.name).is_done() for run in expand(experiment)):
        launcher = _launcher(options, folder, (devices[0], 1), experiment.resources.for_one_process())
        problems += bring("conditions", retests([folder], conditions), launcher)
        problems += _attempt("There is no report", lambda: _report(experiment, folder, mode))
    if problems:
        raise ValueError("\n\n".join(problems))


def evaluate(folders: Sequence[Path], condition: Condition, only: str = "*", jobs: int | None = None) -> None:
    """Test the best checkpoint of every finished run that a condition concerns, and score what it predicts.

    Args:
        folders: Of experiments.
        condition: What is different.
        only: Pattern over `variant/fold-0-seed-0`.
        jobs: Runs tested at a time; where not given one for each GPU, or one.

    Raises:
        FileNotFoundError: If a folder holds no runs.
        ValueError: If no run is finished, or one can't be tested, as where its checkpoint doesn't fit the cohort.
    """
    asked = retests(folders, [condition], only)
    if not asked:
        raise ValueError(f"No run that matches '{only}' is done and concerned by {condition.name}.")
    problems = bring(condition.name, asked, LocalLauncher(slots(gpus(), 1, jobs)))
    if problems:
        raise ValueError("\n\n".join(problems))


def bring(task: str, jobs: Sequence[Job], launcher: Launcher) -> list[str]:
    """Bring jobs to their end and show how far they are; returns a paragraph on each that isn't done."""
    going: dict[str, Workplace] = {}

    def begun(place: Workplace) -> None:
        going[place.name] = place

    def ended(outcome: Outcome) -> None:
        going.pop(outcome.name, None)
        advance(f"{outcome.name} {outcome.state}")

    with progress(task, len(jobs), look=lambda: [standing(place) for place in list(going.values())]) as advance:
        outcomes = launch(jobs, launcher, ended, begun)
    problems = [f"{outcome.name} {outcome.state}: {outcome.message}" for outcome in outcomes if outcome.message]
    if problems:
        problems.insert(0, f"{len(problems)} of {len(outcomes)} runs aren't done; the same command goes on.")
    return problems


def _attempt(problem: str, act: Callable[[], None]) -> list[str]:
    """Do something whose failure is told later."""
    try:
        act()
    except (OSError, ValueError) as error:
        return [f"{problem}: {error}"]
    return []


def _check_covariates(experiment: Experiment, cohort: Cohort) -> None:
    known = {name for subject in cohort.subjects.values() for name in subject.covariates}
    asked = [Covariate.parse(text).name for text in experiment.report.by]
    if unknown := [name for name in asked if name not in known]:
        listed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"Covariate {', '.join(unknown)} isn't known: the cohort has {listed}.")


def open_for(experiment: Experiment, cohort: Path | None) -> Cohort:
    """Open the cohort that is given, or else the one that an experiment names.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it can't be used, or none is named.
    """
    if cohort is None and experiment.cohort is None:
        raise ValueError(f"'{experiment.name}' names no cohort: give one with --cohort.")
    return open_cohort(cohort or Path(str(experiment.cohort)))


def _report(experiment: Experiment, folder: Path, wandb: WandbMode) -> None:
    """Write the report of an experiment below its runs, as `report/`, print its main tables, and mirror it."""
    from benchmark.experiment.mirror import mirror_report  # wandb
    from benchmark.report.console import make_report  # matplotlib, which a dry run needn't wait for

    make_report([folder], folder / "report")
    mirror_report(folder / "report" / experiment.name, folder, experiment.name, wandb)


def _launcher(options: RunOptions, folder: Path, shares: Shares, resources: Resources) -> Launcher:
    if options.launcher == "local":
        return LocalLauncher(slots(*shares, options.jobs))
    from benchmark.launching.slurm import SlurmLauncher

    logs = folder.resolve() / "slurm"
    return SlurmLauncher(resources, logs, options.jobs) if options.jobs else SlurmLauncher(resources, logs)


def devices_of(experiment: Experiment) -> Shares:
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
