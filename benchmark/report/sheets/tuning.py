"""The sheet of tuning: what budget each network had, what was chosen, and how much that gained."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmark.report.how_trained import about_of
from benchmark.report.numbers import Numbers
from benchmark.report.sheets.sheet import Column, Sheet, decimals, numbers, whole
from benchmark.runs.evidence import Evidence
from benchmark.runs.tuned import Tuned

COLUMNS = (
    "variant",
    "trial",
    "learning_rate",
    "weight_decay",
    "ce_weight",
    "schedule",
    "dice",
    "epochs",
    "state",
    "chosen",
)


def tuned_for(evidence: Evidence) -> tuple[Tuned, ...]:
    """The tuning of an experiment's rows, one for each folder of runs that names one."""
    return tuple(about.tuned for about in about_of(evidence) if about.tuned)


def trials_of(evidence: Evidence) -> pd.DataFrame:
    """All trials of all rows, with `COLUMNS`; empty where nothing was tuned."""
    rows = [
        (
            variant,
            number,
            *(
                trial.settings[f"model.{name}"]
                for name in ("learning_rate", "weight_decay", "ce_weight", "schedule.decay")
            ),
            trial.dice,
            trial.epochs,
            trial.state,
            number == one.chosen,
        )
        for tuned in tuned_for(evidence)
        for variant, one in tuned.variants.items()
        for number, trial in enumerate(one.trials)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def tuning_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """One sheet for all rows that were tuned; none where nothing was."""
    trials = trials_of(evidence)
    if len(trials):
        yield _sheet(evidence, found, trials)


def _sheet(evidence: Evidence, found: Numbers, trials: pd.DataFrame) -> Sheet:
    grouped = trials.groupby("variant", sort=False)
    own, best = trials[trials["trial"] == 0], trials[trials["chosen"]]
    columns = (
        numbers("trials", grouped.size(), whole),
        numbers("stopped early", grouped["state"].apply(lambda states: (states != "complete").sum()), whole),
        numbers("epochs in all", grouped["epochs"].sum(), whole),
        numbers("Dice, own", own["dice"], decimals(4)),
        numbers("Dice, tuned", best["dice"], decimals(4)),
        numbers("learning rate", best["learning_rate"], _scientific),
        numbers("weight decay", best["weight_decay"], _scientific),
        numbers("CE weight", best["ce_weight"], decimals(2)),
        Column("schedule", (np.nan,) * len(best), tuple(best["schedule"])),
    )
    note = " ".join(_note(tuned) for tuned in tuned_for(evidence))
    return Sheet("tuning", "Tuning", note, "Network", tuple(map(str, best["variant"])), columns, found.names)


def _note(tuned: Tuned) -> str:
    return (
        f"Best validation Dice in fold {tuned.fold} of trials of at most {tuned.steps} steps ({tuned.epochs} epochs), "
        f"scale {tuned.scale}, with the experiment's own settings (the first trial) and with those chosen; no "
        f"subject that fold {tuned.fold} tests was opened. Other folds test subjects that were tuned on."
    )


def _scientific(value: float) -> str:
    return f"{value:.1e}"
