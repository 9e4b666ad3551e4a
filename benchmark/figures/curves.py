"""Training curves: loss and validation Dice of every variant, over its folds and seeds."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.style import WIDTH
from benchmark.run_folder import RunFolder

PANELS = {"train/loss": "Training loss", "val/dice": "Validation Dice"}


def read_log(folder: RunFolder) -> pd.DataFrame:
    """Epoch and the columns of `PANELS` of a run; where it was resumed, the last version of an epoch counts."""
    files = sorted(folder.path.glob("log/version_*/metrics.csv"), key=lambda file: int(file.parent.name.split("_")[1]))
    logs = [pd.read_csv(file) for file in files if file.stat().st_size]
    if not logs:
        return pd.DataFrame(columns=["epoch", *PANELS])
    log = pd.concat(logs).reindex(columns=["epoch", *PANELS])
    return log.groupby("epoch", as_index=False).last()


def training_curves(logs: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """Draw the mean over folds and seeds as a line, and their range as a band.

    Args:
        logs: Of `read_log`, with a column "variant".
        colours: Of the variants.
    """
    figure, panels = plt.subplots(1, len(PANELS), figsize=(WIDTH, 2.6))
    for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
        for variant, colour in colours.items():
            _curve(axes, logs.loc[logs["variant"] == variant, ["epoch", column]].dropna(), column, variant, colour)
        axes.set(title=title, xlabel="epoch")
        axes.grid(axis="y")
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(1, 0.92))
    figure.tight_layout(w_pad=1.5)
    return figure


def _curve(axes: Axes, log: pd.DataFrame, column: str, variant: str, colour: str) -> None:
    over = log.groupby("epoch")[column].agg(["mean", "min", "max"])
    marker = "o" if len(over) < 3 else ""
    axes.plot(over.index, over["mean"], color=colour, label=variant, marker=marker, markersize=3)
    axes.fill_between(over.index, over["min"], over["max"], color=colour, alpha=0.12, linewidth=0)
    if np.isfinite(over.to_numpy()).any() and column == "val/dice":
        axes.set_ylim(bottom=0)
