"""The verbs of `petmr`. Heavy libraries are imported inside the verb that needs them, so that `--help` is quick."""

import inspect
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

from benchmark.data_verbs import check, picture, prepare, split

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
    cohort: Path,
    output: Path | None = None,
    only: str = "*",
    jobs: int | None = None,
    launcher: Literal["local", "slurm"] = "local",
    wandb: Literal["offline", "online", "disabled"] = "offline",
    dry_run: bool = False,
    restart: bool = False,
) -> None:
    """Train, test and score every run of an experiment that isn't done, then make its tables. Stop and go on at will.

    Args:
        experiment: Experiment file, such as experiments/demo.yaml.
        cohort: Prepared cohort.
        output: Folder of the runs; runs/NAME where not given.
        only: Pattern over the runs' names, such as 'vnet/*' or '*/fold-0-*'.
        jobs: Runs at a time; one for each GPU, or one, where not given.
        launcher: Processes of this machine, or jobs of a SLURM cluster.
        wandb: Mode of Weights & Biases.
        dry_run: Print the runs, their state and the time they may take; start nothing.
        restart: Start the chosen runs over.
    """
    from benchmark.workflow import RunOptions, run_experiment, show_plan

    if dry_run:
        show_plan(experiment, cohort, output, only)
        return
    run_experiment(experiment, cohort, output, RunOptions(only, jobs, launcher, wandb, restart))


def status(runs: Path) -> None:
    """Show how far the runs of an experiment have come.

    Args:
        runs: Folder of the runs, such as runs/overall.
    """
    from benchmark.console import show_table
    from benchmark.status import find_runs, status_table

    show_table(status_table(find_runs(runs)), str(runs))


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
    "report": report,
}


def build_parser() -> Any:
    """One subcommand a verb: what its function requires is positional, keyword-only parameters are options."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog="petmr", description="Benchmark of whole-brain segmentation of PET/MR.", epilog=EPILOG)
    verbs = parser.add_subcommands(dest="verb", metavar="VERB")
    for name, function in VERBS.items():
        summary = (function.__doc__ or "").split("\n")[0]
        verb = ArgumentParser(description=summary)
        parameters = inspect.signature(function).parameters.values()
        options: set[str | int] = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
        options |= shared_options(function)
        positional: set[str | int] = {each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD}
        several = {each.name for each in parameters if each.annotation == list[Path]}
        verb.add_function_arguments(function, as_group=False, as_positional=True, skip=options | several)
        for each in several:  # jsonargparse would want them as one JSON list
            verb.add_argument(each, nargs="+", type=Path, metavar=each.upper(), help="One or more folders.")
        verb.add_function_arguments(function, as_group=False, skip=positional)
        verbs.add_subcommand(name, verb, help=summary)
    return parser


def shared_options(function: Callable[..., Any]) -> set[str]:
    """Names of the options that a verb takes as `**options: Unpack[SomeTypedDict]`."""
    parameters = inspect.signature(function).parameters.values()
    unpacked = [get_args(each.annotation)[0] for each in parameters if each.kind is each.VAR_KEYWORD]
    return {name for each in unpacked for name in each.__annotations__}


def call(words: list[str]) -> None:
    """Do what the words ask."""
    if words and words[0] in LIGHTNING_VERBS:
        from benchmark.cli import build

        build(words, run=True)
        return
    parser = build_parser()
    arguments = parser.parse_args(words)
    VERBS[arguments.verb](**arguments[arguments.verb])


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
