"""The sheets of covariates: Dice by sex, age band, scanner, or whatever is known of the subjects."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from benchmark.report.numbers import Numbers
from benchmark.report.sheets.sheet import Sheet, means, numbers, probability, whole
from benchmark.runs.evidence import Evidence
from benchmark.statistics.covariates import Covariate, by_covariate, level_tests
from benchmark.statistics.tables import internal
from datamodules.cohort.store import Cohort

PACKED = "covariates.csv"
"""On top of an experiment's runs in a pack, where its maker took covariates along."""

Values = Mapping[str, Mapping[str, str]]
"""Subject to name to value."""


@dataclass(frozen=True)
class Divided:
    """What a report says by covariates, in long form.

    Attributes:
        summary: Of `by_covariate`, one covariate below the other.
        tests: Of `level_tests`.
        absent: Names of covariates that aren't at hand.
    """

    summary: pd.DataFrame
    tests: pd.DataFrame
    absent: tuple[str, ...]


def known_covariates(evidence: Evidence, cohort: Cohort | None) -> Values | None:
    """What is known of the subjects: by the cohort, or by a pack; None where neither is at hand."""
    if cohort:
        return {subject.id: subject.covariates for subject in cohort.subjects.values()}
    packed = [place / PACKED for place in evidence.places if (place / PACKED).is_file()]
    tables = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in packed]
    if not tables:
        return None
    rows = pd.concat(tables).fillna("").drop_duplicates("subject").set_index("subject")
    return {
        str(subject): dict(zip(rows.columns, row, strict=True))
        for subject, row in zip(rows.index, rows.values, strict=True)
    }


def divide(evidence: Evidence, by: Sequence[str], cohort: Cohort | None) -> Divided:
    """Compute the scores by some covariates.

    Raises:
        ValueError: If one isn't understood, or is unknown to the cohort.
    """
    cases, values = internal(evidence.cases), known_covariates(evidence, cohort)
    asked = [Covariate.parse(text) for text in by]
    there = [one for one in asked if values and any(one.name in known for known in values.values())]
    absent = tuple(one.name for one in asked if one not in there)
    if absent and cohort:
        listed = ", ".join(dict.fromkeys(name for known in (values or {}).values() for name in known)) or "none"
        raise ValueError(f"Covariate {', '.join(absent)} isn't known: the cohort has {listed}.")
    levels = {one: _levels(one, values or {}) for one in there}
    parts = [by_covariate(cases, one, found) for one, found in levels.items()]
    return Divided(pd.concat(parts) if parts else pd.DataFrame(), level_tests(cases, levels), absent)


def covariate_sheets(evidence: Evidence, found: Numbers, divided: Divided) -> Iterator[Sheet]:
    """One sheet for each covariate: a column for each level, and the test."""
    for name, rows in divided.summary.groupby("covariate", sort=False) if len(divided.summary) else ():
        yield _sheet(evidence, found, str(name), rows, divided)
    if divided.absent:
        note = (
            f"{', '.join(divided.absent)}: neither the cohort nor the packs at hand hold it (petmr pack --covariates)."
        )
        yield Sheet("by_absent", "Covariates that aren't at hand", note, "Network", (), ())


def _levels(covariate: Covariate, values: Values) -> dict[str, str]:
    return covariate.levels({subject: known.get(covariate.name, "") for subject, known in values.items()})


def _sheet(evidence: Evidence, found: Numbers, name: str, rows: pd.DataFrame, divided: Divided) -> Sheet:
    variants = [variant for variant in found.names if variant in set(rows["variant"])]
    columns = []
    for level, own in rows.groupby("level", sort=False):
        table = own.set_index("variant").reindex(variants)
        columns.append(means(f"{level} (n = {_range(table['n'])})", table["mean"], table["std"], 4, "neither"))
    tests = divided.tests[divided.tests["covariate"] == name].set_index("variant").reindex(variants)
    columns += [
        numbers("n tested", tests["n"], whole),
        numbers("p", tests["p"], probability),
        numbers("p (Holm)", tests["p_holm"], probability),
    ]
    note = f"Dice, mean ± standard deviation over subjects. {_caution(tests, divided)}"
    unranked = frozenset(set(variants) & set(evidence.incomplete))
    file = re.sub(r"[^\w.+-]", "_", f"by_{name}")
    return Sheet(
        file, f"By {name}", note, "Network", tuple(variants), tuple(columns), found.names, unranked, evidence.remark
    )


def _caution(tests: pd.DataFrame, divided: Divided) -> str:
    count = int(divided.tests["p"].notna().sum())
    if not tests["p"].notna().any():
        return "Nothing is tested: no two levels have two subjects each."
    names = " or ".join(dict.fromkeys(tests["test"]))
    return (
        f"{names} between levels of two subjects or more, Holm's correction over all {count} such tests here. So many "
        "tests of few subjects are a search for hints: they confirm nothing, and levels differ in more than their name."
    )


def _range(counts: "pd.Series[float]") -> str:
    fewest, most = int(counts.min()), int(counts.max())
    return str(most) if fewest == most else f"{fewest} to {most}"
