"""All pairs of networks at a glance: how far they differ, and how surely."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.statistics.comparison import Comparison
from benchmark.statistics.significance import corrected


@dataclass(frozen=True)
class Map:
    """Every pair of variants, the best first.

    Attributes:
        variants: In the order of rows and columns.
        differences: `[K, K]`, mean of row minus column.
        p: `[K, K]`, the corrected p that counts; NaN on the diagonal and where nothing was tested.
    """

    variants: tuple[str, ...]
    differences: NDArray[np.float64]
    p: NDArray[np.float64]


def significance_map(comparison: Comparison) -> Map:
    """The tests of a comparison as a map, by rank."""
    variants = tuple(map(str, comparison.stability.sort_values("rank", kind="stable")["variant"]))
    tests = comparison.tests
    return Map(
        variants,
        _square(tests, tests["difference"], variants, mirror=-1),
        _square(tests, tests[corrected(tests)], variants, mirror=1),
    )


def _square(
    tests: pd.DataFrame, values: "pd.Series[float]", variants: tuple[str, ...], mirror: int
) -> NDArray[np.float64]:
    places = {variant: place for place, variant in enumerate(variants)}
    square = np.full((len(variants), len(variants)), np.nan)
    for first, second, value in zip(tests["first"], tests["second"], values, strict=True):
        square[places[first], places[second]] = value
        square[places[second], places[first]] = mirror * value
    return square
