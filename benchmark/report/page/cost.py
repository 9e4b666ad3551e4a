"""What the leading network costs, in words."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _time(seconds: float) -> str:
    """In the unit that a person would choose."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{_amount(round(seconds / size, 1))} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


LINES: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "parameters_m": ("parameters", lambda value: f"{_amount(value)} million"),
    "gmac": ("multiply-adds", lambda value: f"{_amount(value)} GMAC a patch"),
    "minutes": ("training", lambda value: f"{_time(60 * value)} a run"),
    "seconds_per_subject": ("labelling", lambda value: f"{_time(value)} a subject"),
    "peak_memory_gib": ("GPU memory", lambda value: f"{_amount(value)} GiB"),
}
"""Column of a table of costs to its name and how it's written."""


def cost_lines(costs: pd.DataFrame, variant: str) -> dict[str, str]:
    """What a variant costs, with what its runs didn't record named as such.

    Args:
        costs: One row per variant, with any of the columns of `LINES`.
        variant: Whose.
    """
    rows = costs[costs["variant"] == variant]
    known = rows.iloc[0] if len(rows) else pd.Series(dtype=float)
    return {name: _written(known.get(column, np.nan), write) for column, (name, write) in LINES.items()}


def _written(value: float, write: Callable[[float], str]) -> str:
    return write(value) if np.isfinite(value) else "not recorded"
