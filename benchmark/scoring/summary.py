"""Averages of cases for reading: every mean beside its n and what was missed and spurious."""

import pandas as pd

DECIMALS = 3


def summary_text(summary: pd.DataFrame) -> pd.DataFrame:
    """The table of `benchmark.scoring.cases.summarise` as texts: every mean with its counts."""
    numbers = {name: [_number(value) for value in summary[name]] for name in ("mean", "std")}
    counts = {name: summary[name].astype(str) for name in ("n", "cells", "missed", "spurious")}
    return pd.DataFrame({"metric": summary["metric"], **numbers, **counts})


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.{DECIMALS}f}"
