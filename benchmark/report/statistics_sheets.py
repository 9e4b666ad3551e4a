"""The sheets of statistics: which differences can be believed, metric by metric."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmark.report.metrics import METRICS, Metric
from benchmark.report.numbers import Numbers
from benchmark.report.sheet import Sheet, decimals, equation, numbers, probability, signed, whole
from benchmark.runs.evidence import Evidence
from benchmark.scoring.columns import GROUP
from benchmark.statistics import significance
from benchmark.statistics.comparison import Comparison
from benchmark.statistics.tables import internal

FEW = 20
"""Subjects below which percentile intervals are noticeably too narrow."""


def statistics_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """For each metric of Table 1 intervals and mean ranks, paired tests, and ranks in every fold and seed.

    Then the first two for the Dice in every external cohort. None below two complete variants.
    """
    unit = _unit(internal(evidence.cases))
    for metric, comparison in found.comparisons.items():
        if comparison.scores.shape[1] < 2:
            continue
        style = METRICS[metric]
        yield _intervals_sheet(metric, style, comparison, unit)
        yield _tests_sheet(metric, style, comparison, unit)
        if len(comparison.replicates) > 1:
            yield _replicates_sheet(metric, style, comparison)
    for cohort, comparison in found.elsewhere.items():
        if comparison.scores.shape[1] < 2:
            continue
        style = replace(METRICS["dice"], heading=f"Dice in {cohort}")
        yield _intervals_sheet(f"external_{cohort}", style, comparison, unit)
        yield _tests_sheet(f"external_{cohort}", style, comparison, unit)


def _unit(cases: pd.DataFrame) -> str:
    """What the rows of `Comparison.scores` are."""
    grouped = GROUP in cases and cases[GROUP].nunique() < cases["subject"].nunique()
    return "groups of subjects" if grouped else "subjects"


def _intervals_sheet(name: str, style: Metric, comparison: Comparison, unit: str) -> Sheet:
    table, write = comparison.intervals, decimals(style.digits)
    columns = (
        numbers("n", table["n"], whole),
        numbers(f"mean {style.heading}", table["mean"], write, style.better),
        numbers("95 % from", table["low"], write),
        numbers("to", table["high"], write),
        numbers("mean rank", table["mean_rank"], decimals(2), "lower"),
    )
    note = f"Bootstrap percentile intervals over {unit} ({significance.DRAWS} draws)."
    if table["n"].max() < FEW:
        note += f" With fewer than {FEW} they are too narrow."
    p = significance.friedman_p(comparison.scores)
    if np.isfinite(p):
        apart = significance.critical_difference(comparison.scores.shape[1], len(comparison.scores.dropna()))
        note += f" Friedman's test p {equation(p)}; Nemenyi's critical difference of mean ranks {apart:.2f}."
    title = f"{style.heading}: intervals and mean ranks"
    return Sheet(f"intervals_{name}", title, note, "Network", tuple(table["variant"]), columns)


def _tests_sheet(name: str, style: Metric, comparison: Comparison, unit: str) -> Sheet:
    table, difference = comparison.tests, signed(style.digits)
    rows = tuple(f"{first} – {second}" for first, second in zip(table["first"], table["second"], strict=True))
    columns = (
        numbers("n", table["n"], whole),
        numbers("difference", table["difference"], difference),
        numbers("95 % from", table["low"], difference),
        numbers("to", table["high"], difference),
        numbers("p", table["p"], probability),
        numbers("p (Holm)", table["p_holm"], probability),
    )
    note = f"Wilcoxon's signed-rank test over {unit}, Holm's correction over all pairs."
    if significance.too_few(table):
        note += f" With {int(table['n'].max())} {unit} and {len(table)} pairs no corrected p can fall below 0.05."
    return Sheet(f"tests_{name}", f"{style.heading}: pairwise tests", note, "Pair", rows, columns)


def _replicates_sheet(name: str, style: Metric, comparison: Comparison) -> Sheet:
    table = comparison.replicates
    concordance, tau = significance.kendall_w(table), significance.mean_tau(table)
    write = decimals(0 if (table % 1 == 0).to_numpy().all() else 1)
    columns = tuple(numbers(str(variant), table[variant], write) for variant in table)
    note = (
        f"Rank by mean {style.heading} in each fold and seed, 1 the best. Kendall's W {decimals(2)(concordance)}, "
        f"mean τ between replicates {decimals(2)(tau)}."
    )
    title = f"{style.heading}: stability of the ranking"
    return Sheet(f"stability_{name}", title, note, "Replicate", tuple(map(str, table.index)), columns)
