"""How far the leader is ahead of every other network: what the first screen draws."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.report.sheets.sheet import signed

ROOM = 0.03
"""Share of the width that stays free at either end."""


@dataclass(frozen=True)
class Margin:
    """The leader's paired difference to another network, with its places in a strip of 100 % width.

    Attributes:
        name: Of the other one.
        text: The difference with its interval.
        apart: Whether the interval leaves out zero.
        low: Where the interval begins.
        middle: Where the difference is.
        high: Where the interval ends.
        zero: Where none is.
    """

    name: str
    text: str
    apart: bool
    low: float
    middle: float
    high: float
    zero: float


def margins(against: pd.DataFrame, ends: tuple[str, str], names: Mapping[str, str]) -> tuple[Margin, ...]:
    """From the closest network to the farthest.

    Args:
        against: Of `benchmark.statistics.verdict.of_leader`; rows without a number are left out.
        ends: Its columns that hold the ends of the interval.
        names: Variant to its name for print.
    """
    columns = [ends[0], "difference", ends[1]]
    known = against.dropna(subset=columns).sort_values("difference", kind="stable")
    if known.empty:
        return ()
    values = known[columns].to_numpy(np.float64)
    least, most = min(0.0, float(values.min())), max(0.0, float(values.max()))
    if least == most:
        return ()
    places = 100 * (ROOM + (1 - 2 * ROOM) * (np.c_[values, np.zeros(len(values))] - least) / (most - least))
    return tuple(
        Margin(names[str(name)], _written(*of), bool(of[0] > 0 or of[2] < 0), *map(float, np.round(place, 2)))
        for name, of, place in zip(known.index, values, places, strict=True)
    )


def _written(low: float, difference: float, high: float) -> str:
    write = signed(4)
    return f"{write(difference)} ({write(low)} to {write(high)})"
