"""The verbs of an experiment: run, status, evaluate, report."""

import shlex
from pathlib import Path
from typing import Literal


def run(
    experiment: Path,
    *,
    cohort: Path | None = None,
    output: Path | None = None,
    only: str = "*",
    scale: str | None = None,
    tuned: Path | None = None,
    jobs: int | None = None,
    launcher: Literal["local", "slurm"] = "local",
    wandb: Literal["offline", "online", "disabled"] = "offline",
    dry_run: bool = False,
    gpu_memory: float | None = None,
    restart: bool = False,
) -> None:
    """Train, test and score every run of an experiment that isn't done, then make its tables. Stop and go on at will.

    Args:
        experiment: Experiment file, or the name of a shipped one: see `petmr list`.
        cohort: Prepared cohort; the one that the experiment names where not given.
        output: Folder of the runs; runs/NAME where not given.
        only: Pattern over the runs' names, such as 'vnet/*' or '*/fold-0-*'.
        scale: One of experiments/scales/ instead of the experiment's: demo, laptop, compact or paper.
        tuned: Settings that `petmr tune` has found, such as runs/overall-tuning/tuned.yaml.
        jobs: Runs at a time; one for each GPU (or group of trainer.devices GPUs), or one, where not given.
        launcher: Processes of this machine, or jobs of a SLURM cluster.
        wandb: Mode of Weights & Biases.
        dry_run: Print what is left, the time it may take as timed here, and the memory of a step; start nothing.
        gpu_memory: GiB of the GPUs that a dry run has in mind; those of this machine where not given.
        restart: Start the chosen runs over.
    """
    from benchmark.experiment.workflow import RunOptions, run_experiment

    options = RunOptions(only, scale, jobs, launcher, wandb, restart, tuned)
    if not dry_run:
        run_experiment(experiment, cohort, output, options)
        return
    from benchmark.forecast.dry_run import show_plan

    show_plan(experiment, cohort, output, options, gpu_memory)


def status(runs: Path, *, watch: bool = False, json: Path | None = None) -> None:
    """Show how far the runs of an experiment have come.

    Args:
        runs: Folder of the runs, such as runs/overall.
        watch: Show it anew every two seconds until no run is going on.
        json: File to write the table to.
    """
    from benchmark.console import show_table, stdout
    from benchmark.console import watch as draw_again
    from benchmark.experiment.status import find_runs, overview
    from benchmark.text_tables import records
    from datamodules.files import write_json

    found = find_runs(runs)
    if watch:
        table, sentence = draw_again(lambda: overview(found), str(runs))
    else:
        table, sentence, _ = overview(found)
        show_table(table, str(runs))
        stdout.print(sentence, markup=False)
    if json:
        write_json(json, records(table))


def evaluate(
    runs: list[Path],
    *,
    missing: str | None = None,
    noise: float | str | None = None,
    misaligned: str | None = None,
    cohort: Path | None = None,
    name: str | None = None,
    strangers: bool = False,
    only: str = "*",
    jobs: int | None = None,
) -> None:
    """Test finished runs again under one other condition, without training; `petmr report` shows it beside the rest.

    Args:
        runs: Folders of experiments, such as runs/overall.
        missing: Modality to set to 0, such as pet.
        noise: Noise to add to the PET: low, moderate, high, severe, or its share of the mean uptake, such as 0.15.
        misaligned: Displacement of the PET against the MR, such as 2mm, 3deg or 2mm,3deg.
        cohort: Another prepared cohort, to test on all its subjects or on its own test part.
        name: Of that cohort in the tables; its folder's where not given.
        strangers: Its groups are other people, even where they are called as in the training.
        only: Pattern over the runs' names, such as 'vnet/*'.
        jobs: Runs tested at a time; one for each GPU, or one, where not given.
    """
    given = {"--missing": missing, "--noise": noise, "--misaligned": misaligned, "--cohort": cohort}
    asked = [option for option, value in given.items() if value is not None]
    if len(asked) != 1:
        raise ValueError(f"A test is repeated under one condition: give one of {', '.join(given)}, not {len(asked)}.")
    from benchmark.experiment.conditions import elsewhere, noisy, without
    from benchmark.experiment.conditions import misaligned as displaced
    from benchmark.experiment.workflow import evaluate as test_again

    if missing is not None:
        condition = without(missing)
    elif noise is not None:
        condition = noisy(noise)
    elif misaligned is not None:
        condition = displaced(misaligned)
    else:
        condition = elsewhere(Path(str(cohort)), name, strangers=strangers)
    test_again(runs, condition, only, jobs)


def calibrate(runs: list[Path], *, only: str = "*") -> None:
    """Measure how sure finished runs are of their labels, beside how often they are right; the report shows it.

    Args:
        runs: Folders of experiments, such as runs/overall.
        only: Pattern over the runs' names, such as 'vnet/*'.
    """
    from benchmark.console import stdout
    from benchmark.experiment.calibrate import calibrate_all

    calibrate_all(runs, only)
    stdout.print(f"Next: petmr report {shlex.join(map(str, runs))}", markup=False)


def report(
    runs: list[Path],
    *,
    output: Path = Path("report"),
    together: str | None = None,
    cohort: Path | None = None,
    by: list[str] | None = None,
    absent: Literal["penalise", "exclude"] | None = None,
    scored: list[str] | None = None,
    order: Literal["rank", "paper"] = "rank",
    watch: bool = False,
) -> None:
    """Make tables, statistics, figures and one HTML page from finished runs; they say which runs are missing.

    Args:
        runs: Folders of experiments and packs of others, such as runs/overall lab-a.zip.
        output: Folder to write to.
        together: Name of one table for the runs of all experiments given, where cohort and folds are the same.
        cohort: Prepared cohort, for pictures and the certificate of folds, if it isn't where the runs found it.
        by: Covariates by which subjects are divided, such as sex scanner age:50,65 (bands).
        absent: Whether the leading distance charges a missed or spurious structure the volume's diagonal; as the
            experiment says where not given.
        scored: Structures that means are over, such as Left-Hippocampus; as the experiment says where not given.
        order: Of networks, by rank or as in the paper's Table 1.
        watch: Write the report anew whenever a run has finished, until all have; Ctrl-C stops it.
    """
    from benchmark.report.console import make_report
    from benchmark.report.options import ReportOptions
    from benchmark.report.watch import watch_report
    from benchmark.runs.reading import Changes
    from benchmark.sharing.unpack import opened

    make = watch_report if watch else make_report
    options = ReportOptions(together, cohort, tuple(by or ()), Changes(absent, scored, order))
    with opened(runs) as folders:
        make(folders, output, options)
