"""Consistency of volume and uptake between prediction and truth, over subjects, of every network and structure.

Every statistic is in one unit: subjects in SUV, in Bq/ml and relative to a region would otherwise share a Bland-Altman,
and the spread between units alone would make any correlation perfect.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.scoring.absence import ABSENT
from benchmark.scoring.quantification import CEREBELLAR_CORTEX, SUVR, TOLERANCE
from benchmark.statistics.agreement import bland_altman, icc_2_1, pearson

KEYS = ["variant", "structure", "subject"]
SIDES = ("truth", "prediction")


@dataclass(frozen=True)
class Quantity:
    """What is measured with the truth and with the prediction.

    Attributes:
        name: For files.
        title: For people.
        unit: Of every value.
        remark: How the unit came about and how many subjects it leaves out, as a sentence; empty where none.
    """

    name: str
    title: str
    unit: str
    remark: str = ""


@dataclass(frozen=True)
class Measured:
    """What truth and prediction measure of one quantity, of several seeds the first.

    Attributes:
        quantity: What.
        pairs: One row per variant, structure and subject that has it in truth or prediction: these, truth, prediction
            (missing where the structure is, or where the subject is in another unit).
    """

    quantity: Quantity
    pairs: pd.DataFrame


def measure(cases: pd.DataFrame) -> tuple[Measured, ...]:
    """What the cases hold of volume and of uptake, each in one unit."""
    counted = first_seed(cases[cases["status"] != ABSENT.status])
    found = []
    if {"truth_ml", "prediction_ml"} <= set(cases.columns):
        found.append(Measured(Quantity("volume", "Volume", "ml"), _pairs(counted, "ml")))
    if "truth_mean" in cases and cases["truth_mean"].notna().any():
        own, unit, remark = _in_one_unit(counted)
        found.append(Measured(Quantity("uptake", "Mean uptake", unit, remark), _pairs(own, "mean")))
    return tuple(found)


def consistency_table(measured: Measured) -> pd.DataFrame:
    """Agreement over subjects of every variant and structure that the truth has.

    A missed structure has volume 0 and no uptake; as a spurious one, it isn't tolerable.

    Returns:
        One row per variant and structure with at least two measured subjects: variant, structure, n (measured), bias,
        lower_limit and upper_limit (95 %), r (Pearson), r_low, r_high, icc (ICC(2,1)), tolerable (share of all subjects
        where it is in truth or prediction that have a relative error of at most 5 %).
    """
    rows = []
    for (variant, structure), group in measured.pairs.groupby(["variant", "structure"], sort=False):
        pairs = both_measured(group)
        if len(pairs) < 2 or not pairs["truth"].any():
            continue
        prediction, truth = pairs["prediction"], pairs["truth"]
        limits, r = bland_altman(prediction, truth), pearson(prediction, truth)
        with np.errstate(invalid="ignore", divide="ignore"):  # where nothing varies, which makes it NaN
            icc = icc_2_1(pairs[list(SIDES)])
        edges = (limits.lower_limit.value, limits.upper_limit.value)
        within = (prediction - truth).abs() <= TOLERANCE * truth.abs()
        tolerable = within.sum() / len(group.dropna(subset=list(SIDES), how="all"))
        rows.append(
            (variant, structure, limits.n, limits.bias.value, *edges, r.value, r.low, r.high, icc.value, tolerable)
        )
    columns = ["variant", "structure", "n", "bias", "lower_limit", "upper_limit", "r", "r_low", "r_high", "icc"]
    columns.append("tolerable")
    return pd.DataFrame(rows, columns=columns)


def consistency_of_all(measured: tuple[Measured, ...]) -> pd.DataFrame:
    """`consistency_table` of every quantity, below one another, with a column "quantity"."""
    parts = [consistency_table(one).assign(quantity=one.quantity.name) for one in measured]
    return pd.concat(parts, ignore_index=True)


def both_measured(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that have a finite value of truth and of prediction."""
    finite: pd.DataFrame = pairs[np.isfinite(pairs[list(SIDES)].to_numpy(float)).all(axis=1)]
    return finite


def first_seed(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases of the first seed that each variant has of each subject.

    Seeds aren't averaged: limits of agreement are those of one network, and a mean of several errs less.
    """
    first = cases.groupby(["variant", "subject"])["seed"].transform("min") if "seed" in cases else None
    return cases if first is None else cases[cases["seed"] == first]


def _pairs(cases: pd.DataFrame, measure: str) -> pd.DataFrame:
    columns = {f"{side}_{measure}": side for side in SIDES}
    return cases[[*KEYS, *columns]].rename(columns=columns).reset_index(drop=True)


def _in_one_unit(cases: pd.DataFrame) -> tuple[pd.DataFrame, str, str]:
    """Cases whose uptake is in one unit, that unit, and a sentence where it had to be chosen.

    Where subjects have several units, all become relative to the cerebellar cortex if the structures allow; else the
    commonest unit stays, and the other subjects are left out.
    """
    of_subject = cases.dropna(subset=["truth_mean"]).groupby("subject")["unit"].first() if "unit" in cases else None
    units = pd.Series(dtype=object) if of_subject is None else of_subject.value_counts()
    if len(units) < 2:
        return cases, str(units.index[0]) if len(units) else "unit of the PET", ""
    listed = ", ".join(f"{count} in {unit}" for unit, count in units.items())
    total = int(units.sum())
    relative = _relative(cases)
    measured = relative.dropna(subset=["truth_mean"])["subject"].nunique()
    if measured == total:
        return relative, f"{SUVR} (cerebellar cortex)", f"Subjects were measured {listed}: all are made relative."
    commonest = str(units.index[0])
    others = cases["unit"] != commonest
    kept = cases.assign(**{f"{side}_mean": cases[f"{side}_mean"].mask(others) for side in SIDES})
    left_out = f"{total - int(units.iloc[0])} of {total} subjects are left out, as they are in another unit ({listed})."
    return kept, commonest, left_out


def _relative(cases: pd.DataFrame) -> pd.DataFrame:
    """Uptake over that of the cerebellar cortex, which truth and prediction each take from their own region."""
    about = [name for name in ("variant", "fold", "seed", "subject") if name in cases]
    relative = cases.copy()
    for side in SIDES:
        region = cases[cases["structure"].isin(CEREBELLAR_CORTEX)].dropna(subset=[f"{side}_mean"])
        total = (region[f"{side}_mean"] * region[f"{side}_ml"]).groupby([region[name] for name in about]).sum()
        volume = region.groupby(about)[f"{side}_ml"].sum()
        reference = (total / volume).rename("reference").reset_index()
        of_case = cases[about].merge(reference, on=about, how="left")["reference"].to_numpy()
        relative[f"{side}_mean"] = cases[f"{side}_mean"] / of_case
    return relative
