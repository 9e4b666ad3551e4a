"""Training: loss and validation Dice of every variant by epoch, and validation Dice by learning rate where tuned."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.figures.style import INK, SOFT, WIDTH, Look, legend_below
from benchmark.runs.folder import RunFolder
from benchmark.runs.objections import FoundRun

ACROSS = 4
"""Panels of networks beside one another."""

PANELS = {"train/loss": "Training loss", "val/dice": "Validation Dice"}
PEAK_MEMORY = "train/peak_memory_gib"
"""Of a GPU, in the logs of runs on one."""
COLUMNS = ("epoch", *PANELS, PEAK_MEMORY)
RUN = ("variant", "fold", "seed")


def read_logs(runs: Sequence[FoundRun]) -> pd.DataFrame:
    """The logs of all runs, below one another: variant, fold, seed and `COLUMNS`."""
    logs = [
        read_log(run.folder).assign(variant=run.record.variant, fold=run.record.fold, seed=run.record.seed)
        for run in runs
    ]
    kept = [log for log in logs if len(log)]
    table = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=[*RUN, *COLUMNS])
    return table[[*RUN, *COLUMNS]].astype(dict.fromkeys(COLUMNS, float))


def read_log(folder: RunFolder) -> pd.DataFrame:
    """`COLUMNS` of a run; where it was resumed, the last version of an epoch counts."""
    files = sorted(folder.path.glob("log/version_*/metrics.csv"), key=lambda file: int(file.parent.name.split("_")[1]))
    logs = [pd.read_csv(file) for file in files if file.stat().st_size]
    if not logs:
        return pd.DataFrame(columns=list(COLUMNS))
    log = pd.concat(logs).reindex(columns=list(COLUMNS))
    return log.groupby("epoch", as_index=False).last()


def training_curves(logs: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw the mean over folds and seeds as a line, and their range as a band.

    Args:
        logs: Of `read_logs`.
        looks: Of the variants.
    """
    figure, panels = plt.subplots(1, len(PANELS), figsize=(WIDTH, 2.9), layout="constrained")
    for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
        for variant, look in looks.items():
            _curve(axes, logs.loc[logs["variant"] == variant, ["epoch", column]].dropna(), column, look)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
    panels[-1].set_ylim(bottom=0)
    legend_below(figure, panels[-1])
    return figure


def _curve(axes: Axes, log: pd.DataFrame, column: str, look: Look) -> None:
    over = log.groupby("epoch")[column].agg(["mean", "min", "max"])
    axes.plot(
        over.index,
        over["mean"],
        color=look.colour,
        label=look.label,
        marker=look.marker,
        markersize=3.5,
        markevery=max(1, len(over) // 8),
    )
    axes.fill_between(over.index, over["min"], over["max"], color=look.colour, alpha=0.12, linewidth=0)


def against_learning_rate(trials: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw a panel for every network: finished trials filled, others hollow, the chosen one ringed, its own crossed.

    Args:
        trials: variant, trial, learning_rate, dice, state, chosen.
        looks: Of the variants.
    """
    names = [name for name in looks if name in set(trials["variant"])]
    across = min(ACROSS, len(names))
    down = -(-len(names) // across)
    figure, panels = plt.subplots(
        down, across, figsize=(WIDTH, 0.5 + 1.5 * down), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    for axes, name in zip(panels.flat, names, strict=False):
        _trials(axes, trials[trials["variant"] == name], looks[name])
    for axes in panels[:, 0]:
        axes.set_ylabel("validation Dice")
    figure.supxlabel("learning rate", fontsize="medium")
    return figure


def _trials(axes: Axes, trials: pd.DataFrame, look: Look) -> None:
    finished = trials["state"] == "complete"
    for rows, fill in ((trials[finished], look.colour), (trials[~finished], "none")):
        axes.scatter(rows["learning_rate"], rows["dice"], s=14, facecolors=fill, edgecolors=look.colour, linewidths=0.8)
    chosen, own = trials[trials["chosen"]], trials[trials["trial"] == 0]
    axes.scatter(chosen["learning_rate"], chosen["dice"], s=70, facecolors="none", edgecolors=INK, linewidths=0.9)
    axes.scatter(own["learning_rate"], own["dice"], s=40, marker="x", color=SOFT, linewidths=0.9)
    axes.set(title=look.label, xscale="log")
    axes.margins(y=0.12)
    axes.grid(axis="both")
    axes.set_axisbelow(True)
