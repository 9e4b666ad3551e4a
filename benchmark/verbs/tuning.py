"""The verb that searches settings of training."""

import shlex
from pathlib import Path


def tune(
    experiment: Path,
    *,
    trials: int,
    cohort: Path | None = None,
    output: Path | None = None,
    fold: int = 0,
    epochs: int | None = None,
    scale: str | None = None,
    only: str = "*",
) -> None:
    """Search learning rate, weight decay, loss weight and schedule of every network with the same budget.

    Settings are scored on the validation part of one fold alone; its test subjects can't be opened meanwhile. Stop and
    go on at will: the same command goes on with the same trials.

    Args:
        experiment: Experiment file, or the name of a shipped one: see `petmr list`.
        trials: Trainings for each network; the first has the experiment's own settings.
        cohort: Prepared cohort; the one that the experiment names where not given.
        output: Folder for the journals and tuned.yaml; runs/NAME-tuning where not given.
        fold: On whose validation part settings are scored, from 0.
        epochs: The longest training of a trial; the experiment's where not given.
        scale: One of experiments/scales/, as for `petmr run`.
        only: Pattern over the names of the rows, such as 'vnet'.
    """
    from benchmark.console import progress, show_table, stdout
    from benchmark.experiment.definition import load_experiment
    from benchmark.experiment.workflow import open_for
    from benchmark.tuning.table import tuned_table
    from benchmark.tuning.training import train
    from benchmark.tuning.tune import TUNED, TuneOptions, chosen
    from benchmark.tuning.tune import tune as search

    loaded = load_experiment(experiment, scale)
    opened, place = open_for(loaded, cohort), output or Path("runs") / f"{loaded.name}-tuning"
    options = TuneOptions(trials, fold, epochs, only)
    with progress("tune", trials * len(chosen(loaded, options))) as advance:
        found = search(loaded, opened, place, options, train, advance)
    show_table(tuned_table(found), f"{loaded.name}: {trials} trials each, {found.steps} steps at most, fold {fold}")
    again = [str(experiment), *(["--scale", scale] if scale else [])]
    command = shlex.join(["petmr", "run", *again, "--cohort", str(opened.path), "--tuned", str(place / TUNED)])
    stdout.print(f"Next: {command}", markup=False)
