"""The verbs of `petmr`. Heavy libraries are imported inside the verb that needs them, so that `--help` is quick."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from benchmark.bench_verb import bench
from benchmark.data_verbs import check, picture, prepare, split
from benchmark.model_verbs import predict, profile, score

LIGHTNING_VERBS = ("fit", "validate", "test")
EPILOG = (
    "One network on one fold: petmr {fit,validate,test} --config FILE ... (LightningCLI). --debug shows tracebacks."
)


def simulate(
    output: Path,
    *,
    subjects: int = 8,
    labels: Path | None = None,
    size: int = 256,
    spacing: float = 1.0,
    seed: int = 0,
    processes: int = 1,
) -> None:
    """Simulate a cohort of PET, MR and labels in BIDS layout, with a manifest.csv.

    Args:
        output: Folder to make.
        subjects: How many.
        labels: Folder of FreeSurfer-labelled maps to simulate from; a phantom where not given.
        size: Voxels along each side.
        spacing: Voxel side in millimetres.
        seed: Of everything that is drawn.
        processes: Subjects simulated at a time; the result does not depend on it.
    """
    from benchmark.console import progress, stdout
    from datamodules.simulated_cohort import write_cohort

    with progress("simulate", subjects) as advance:
        write_cohort(
            output,
            subjects=subjects,
            labels=labels,
            size=size,
            spacing=spacing,
            seed=seed,
            processes=processes,
            progress=advance,
        )
    stdout.print(f"{subjects} subjects in {output}. Next: petmr prepare {output} COHORT", markup=False)


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
    from benchmark.workflow import RunOptions, run_experiment, show_plan

    work = show_plan if dry_run else run_experiment
    work(experiment, cohort, output, RunOptions(only, scale, jobs, launcher, wandb, restart))


def status(runs: Path) -> None:
    """Show how far the runs of an experiment have come.

    Args:
        runs: Folder of the runs, such as runs/overall.
    """
    from benchmark.console import show_table, stdout
    from benchmark.status import expect, find_runs, read_progress, status_table, summary

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
) -> None:
    """Test finished runs again under one other condition, without training; `petmr report` shows it beside the rest.

    Args:
        runs: Folders of experiments, such as runs/overall.
        missing: Modality to set to 0, such as pet.
        noise: Noise to add to the PET: low, moderate, high, severe, or its share of the mean uptake, such as 0.15.
        cohort: Another prepared cohort, to test on all its subjects or on its own test part.
        name: Of that cohort in the tables; its folder's where not given.
        only: Pattern over the runs' names, such as 'vnet/*'.
    """
    given = {"--missing": missing, "--noise": noise, "--cohort": cohort}
    asked = [option for option, value in given.items() if value is not None]
    if len(asked) != 1:
        raise ValueError(f"A test is repeated under one condition: give one of {', '.join(given)}, not {len(asked)}.")
    from benchmark.conditions import elsewhere, noisy, without
    from benchmark.evaluate import evaluate_all

    if missing is not None:
        condition = without(missing)
    elif noise is not None:
        condition = noisy(noise)
    else:
        condition = elsewhere(Path(str(cohort)), name)
    evaluate_all(runs, condition, only)


def report(runs: list[Path], *, output: Path = Path("report")) -> None:
    """Make tables, statistics, figures and one HTML page from finished runs; they say which runs are missing.

    Args:
        runs: Folders of experiments, such as runs/overall runs/fusion.
        output: Folder to write to.
    """
    from benchmark.report.console import make_report

    make_report(runs, output)


def demo(*, output: Path = Path("demo"), jobs: int = 2) -> None:
    """Simulate a phantom cohort, prepare it, compare networks on it, and print the table: minutes on a laptop.

    Args:
        output: Folder for everything that the demo makes.
        jobs: Runs at a time.
    """
    from benchmark.demo import run_demo

    run_demo(output, jobs)


VERBS: dict[str, Callable[..., Any]] = {
    "demo": demo,
    "simulate": simulate,
    "check": check,
    "prepare": prepare,
    "split": split,
    "picture": picture,
    "run": run,
    "status": status,
    "evaluate": evaluate,
    "predict": predict,
    "score": score,
    "report": report,
    "profile": profile,
    "bench": bench,
}


def call(words: list[str]) -> None:
    """Do what the words ask."""
    if words and words[0] in LIGHTNING_VERBS:
        from benchmark.cli import build

        build(words, run=True)
        return
    from benchmark.command_line import parse

    verb, arguments = parse(VERBS, words, EPILOG)
    VERBS[verb](**arguments)


def main(args: list[str] | None = None) -> None:
    """Do what the command line asks: exit code 0, 1 with one sentence for bad input, 2 for wrong usage."""
    words = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in words
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  networks of the user's own are named by class path
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        call([word for word in words if word != "--debug"])
    except (ValueError, OSError, FloatingPointError) as error:
        if debug:
            raise
        sys.stderr.write(f"petmr: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
