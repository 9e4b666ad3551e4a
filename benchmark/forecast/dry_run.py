"""`petmr run --dry-run`: what an experiment would take, network by network; nothing is started, nothing written."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from heapq import heapify, heapreplace
from math import isnan
from pathlib import Path

import pandas as pd

from benchmark.console import progress, show_table, stdout
from benchmark.experiment.definition import load_experiment
from benchmark.experiment.plan import check, choose
from benchmark.experiment.status import counted, duration, expect, read_progress, unmeasured
from benchmark.experiment.workflow import RunOptions, devices_of, open_for
from benchmark.forecast.apart import apart
from benchmark.forecast.network import Forecast, foresee
from benchmark.launching.local import share_of_machine, slots
from benchmark.runs.settings import Run
from datamodules.cohort.splits import Splits, foresee_splits
from datamodules.cohort.store import Cohort

GIB = 2**30


@dataclass(frozen=True)
class Told:
    """What was found out of one variant: a forecast, or why there is none."""

    forecast: Forecast | None
    refusal: str = ""


def show_plan(
    path: Path, cohort: Path | None, output: Path | None, options: RunOptions, gpu_memory: float | None = None
) -> None:
    """Print what the runs of an experiment that are left may take, and whether they fit.

    Args:
        path: Of the experiment's file.
        cohort: Prepared cohort, instead of the experiment's.
        output: Folder of the runs.
        options: How they would be run.
        gpu_memory: GiB of the GPUs that are meant; those of this machine where not given.

    Raises:
        FileNotFoundError: If the experiment or the cohort is missing.
        ValueError: As the run itself would, or if networks can't be trained.
    """
    experiment = load_experiment(path, options.scale, options.tuned)
    opened = open_for(experiment, cohort)
    experiment.conditions.all(opened.modalities)
    splits = foresee_splits(opened, experiment.folds, experiment.split_seed)
    planned = choose(experiment, output or Path("runs") / experiment.name, options.only)
    if not options.restart:
        check(planned, opened, splits)
    shares = slots(*devices_of(experiment), options.jobs)
    known = read_progress([folder for _, folder in planned])
    first: dict[str, Run] = {}
    for run, _ in planned:
        first.setdefault(run.variant, run)
    timed = () if options.launcher == "slurm" else unmeasured(known)
    told = _ask(list(first.values()), opened, splits, shares, timed, gpu_memory)
    estimates = {name: one.forecast.seconds for name, one in told.items() if one.forecast}
    rows = expect(known, {name: seconds for name, seconds in estimates.items() if not isnan(seconds)})
    show_table(_table(rows, told), f"{experiment.name}: {len(planned)} runs")
    stdout.print(_sentence(rows, len(shares)), markup=False)
    for name, one in told.items():
        if one.forecast and one.forecast.remedy:
            stdout.print(f"{name} doesn't fit: {one.forecast.remedy}.", markup=False)
    if refused := [one.refusal for one in told.values() if one.refusal]:
        raise ValueError("\n".join(refused))


def _ask(
    runs: Sequence[Run],
    cohort: Cohort,
    splits: Splits,
    shares: Sequence[str | None],
    timed: Sequence[str],
    gpu_memory: float | None,
) -> dict[str, Told]:
    """Variant to what is foreseen of it, as many at a time as runs would be, so that they share the machine alike."""

    def one(run: Run) -> Told:
        environment = share_of_machine(len(shares), shares[0])
        try:
            found = apart(environment, foresee, run, cohort.path, splits, run.variant in timed, gpu_memory)
        except (ValueError, ChildProcessError) as error:
            return Told(None, f"{run.variant}: can't be trained here ({error}).")
        finally:
            advance(run.variant)
        return Told(found)

    with progress("build and time each network", len(runs)) as advance, ThreadPoolExecutor(len(shares)) as pool:
        return dict(zip((run.variant for run in runs), pool.map(one, runs), strict=True))


def _table(rows: pd.DataFrame, told: dict[str, Told]) -> pd.DataFrame:
    """One row a variant, as texts."""
    table = []
    for variant, own in rows.groupby("variant", sort=False):
        forecast = told[str(variant)].forecast
        memory = forecast.memory if forecast else None
        table.append(
            {
                "network": variant,
                "runs": counted(own),
                "time of each": duration(own["expected"].mean()),
                "memory of a step": f"{memory.needed / GIB:.1f} GiB" if memory else "-",
                "fits": {None: "-", True: "yes", False: "no"}[forecast.fits if forecast else None],
            }
        )
    return pd.DataFrame(table)


def _sentence(rows: pd.DataFrame, at_once: int) -> str:
    left = (rows["expected"] - rows["elapsed"])[rows["state"] != "done"].clip(lower=0)
    if left.empty:
        return f"{counted(rows)}."
    if left.isna().any():
        return f"{counted(rows)}. How long the rest takes is known once a run has finished an epoch."
    together = f"{at_once} at a time" if at_once > 1 else "one after the other"
    return f"{counted(rows)}. The rest takes {duration(_together(list(left), at_once))}, {together}."


def _together(seconds: Sequence[float], at_once: int) -> float:
    """How long it takes until all is done, each begun as soon as there is room."""
    busy = [0.0] * at_once
    heapify(busy)
    for each in seconds:
        heapreplace(busy, busy[0] + each)
    return max(busy)
