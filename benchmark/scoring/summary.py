"""Averages of cases for reading: every mean beside its n and what was missed and spurious."""

from collections.abc import Sequence

import pandas as pd

DECIMALS = 3
SHOWN = ("dice", "sensitivity", "precision", "hausdorff95_mm", "assd_mm")
"""Metrics of the table of structures."""


def summary_text(summary: pd.DataFrame) -> pd.DataFrame:
    """The table of `benchmark.scoring.cases.summarise` as texts: every mean with its counts."""
    numbers = {name: [_number(value) for value in summary[name]] for name in ("mean", "std")}
    counts = {name: summary[name].astype(str) for name in ("n", "cells", "missed", "spurious")}
    return pd.DataFrame({"metric": summary["metric"], **numbers, **counts})


def structures_text(summary: pd.DataFrame, structures: Sequence[str]) -> pd.DataFrame:
    """One row for each structure of a table averaged by structure: the metrics of `SHOWN` with their counts."""
    means = summary.pivot_table(index="structure", columns="metric", values="mean", sort=False, dropna=False)
    counts = summary[summary["metric"] == SHOWN[0]].set_index("structure")[["n", "missed", "spurious"]]
    texts = means.reindex(list(structures), columns=list(SHOWN)).map(_number)
    shown = counts.reindex(list(structures), fill_value=0).astype(str)
    return texts.join(shown).rename_axis(index="structure", columns=None).reset_index()


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.{DECIMALS}f}"
