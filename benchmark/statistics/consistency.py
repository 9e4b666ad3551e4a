"""Consistency of volume and uptake between prediction and truth, over subjects, of every network and structure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.scoring.absence import ABSENT
from benchmark.scoring.quantification import TOLERANCE
from benchmark.statistics.agreement import bland_altman, icc_2_1, pearson


@dataclass(frozen=True)
class Quantity:
    """What is measured with the truth and with the prediction.

    Attributes:
        name: For files.
        title: For people.
        unit: Of both columns.
        truth: Column of cases.
        prediction: Column of cases.
    """

    name: str
    title: str
    unit: str
    truth: str
    prediction: str


VOLUME = Quantity("volume", "Volume", "ml", "truth_ml", "prediction_ml")
UPTAKE = Quantity("uptake", "Mean uptake", "", "truth_mean", "prediction_mean")


def quantities(cases: pd.DataFrame) -> tuple[Quantity, ...]:
    """What the cases hold of volume and uptake, the latter with the unit that they name."""
    found = [VOLUME] if {VOLUME.truth, VOLUME.prediction} <= set(cases.columns) else []
    if UPTAKE.truth in cases and cases[UPTAKE.truth].notna().any():
        units = cases["unit"].dropna().unique() if "unit" in cases else np.empty(0)
        unit = str(units[0]) if len(units) == 1 else "unit of the PET"
        found.append(Quantity(UPTAKE.name, UPTAKE.title, unit, UPTAKE.truth, UPTAKE.prediction))
    return tuple(found)


def consistency_table(cases: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    """Agreement over subjects of every variant and structure that the truth has.

    A missed structure has volume 0 and no uptake; as a spurious one, it isn't tolerable.

    Returns:
        One row per variant and structure with at least two measured subjects: variant, structure, n (measured), bias,
        lower_limit and upper_limit (95 %), r (Pearson), r_low, r_high, icc (ICC(2,1)), tolerable (share of all subjects
        where it is in truth or prediction that have a relative error of at most 5 %).
    """
    rows = []
    counted = first_seed(cases[cases["status"] != ABSENT.status])
    for (variant, structure), group in counted.groupby(["variant", "structure"], sort=False):
        pairs = measured_pairs(group, quantity)
        if len(pairs) < 2 or not pairs[quantity.truth].any():
            continue
        measured, reference = pairs[quantity.prediction], pairs[quantity.truth]
        limits, r = bland_altman(measured, reference), pearson(measured, reference)
        with np.errstate(invalid="ignore", divide="ignore"):  # where nothing varies, which makes it NaN
            icc = icc_2_1(pairs)
        edges = (limits.lower_limit.value, limits.upper_limit.value)
        within = (measured - reference).abs() <= TOLERANCE * reference.abs()
        tolerable = within.sum() / len(group.dropna(subset=[quantity.truth, quantity.prediction], how="all"))
        rows.append(
            (variant, structure, limits.n, limits.bias.value, *edges, r.value, r.low, r.high, icc.value, tolerable)
        )
    columns = ["variant", "structure", "n", "bias", "lower_limit", "upper_limit", "r", "r_low", "r_high", "icc"]
    columns.append("tolerable")
    return pd.DataFrame(rows, columns=columns)


def consistency_of_all(cases: pd.DataFrame) -> pd.DataFrame:
    """`consistency_table` of every quantity in the cases, below one another, with a column "quantity"."""
    parts = [consistency_table(cases, one).assign(quantity=one.name) for one in quantities(cases)]
    return pd.concat(parts, ignore_index=True)


def measured_pairs(cases: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    """Truth and prediction of every subject where both are measured, of several seeds those of the first.

    Seeds aren't averaged: limits of agreement are those of one network, and a mean of several errs less.
    """
    measured = first_seed(cases).set_index("subject")[[quantity.truth, quantity.prediction]]
    return measured.replace([np.inf, -np.inf], np.nan).dropna()


def first_seed(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases of the first seed that each variant has of each subject."""
    first = cases.groupby(["variant", "subject"])["seed"].transform("min") if "seed" in cases else None
    return cases if first is None else cases[cases["seed"] == first]
