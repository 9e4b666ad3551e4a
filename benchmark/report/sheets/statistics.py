"""The sheets of statistics: which differences can be believed, metric by metric."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmark.report.metrics import ALL, METRICS, Metric
from benchmark.report.numbers import Numbers
from benchmark.report.sheets.sheet import Column, Sheet, decimals, equation, numbers, probability, signed, whole
from benchmark.runs.evidence import Evidence
from benchmark.statistics import ranking, significance
from benchmark.statistics.comparison import Comparison
from benchmark.statistics.resampling import DRAWS
from benchmark.statistics.significance_map import Map, significance_map
from benchmark.statistics.verdict import of_leader

FEW = 20
"""Groups below which percentile intervals are noticeably too narrow."""


def statistics_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """For each tested metric intervals and ranks, the leader against the others, and all pairs as a map.

    Then the ranks by every metric, method, fold and seed; the noise of training; and intervals and pairs in every
    external cohort. None below two complete variants.
    """
    if found.dice.scores.shape[1] < 2:
        return
    unit = found.verdict.basis.unit
    for metric in found.tested:
        yield from _metric_sheets(metric, METRICS[metric], found.comparisons[metric], unit, found, evidence)
    yield _ranks_sheet(found)
    yield _first_sheet(found)
    yield _methods_sheet(found)
    yield _variance_sheet(found)
    for cohort, comparison in found.elsewhere.items():
        if comparison.scores.shape[1] > 1:
            style = replace(METRICS["dice"], heading=f"Dice in {cohort}")
            yield _intervals_sheet(f"external_{cohort}", style, comparison, unit, found)
            yield _map_sheet(f"external_{cohort}", style, comparison, unit, found)


def _metric_sheets(
    metric: str, style: Metric, comparison: Comparison, unit: str, found: Numbers, evidence: Evidence
) -> Iterator[Sheet]:
    yield _intervals_sheet(metric, style, comparison, unit, found)
    yield _leader_sheet(metric, style, comparison, unit, found)
    yield _map_sheet(metric, style, comparison, unit, found)
    if len(comparison.replicates) > 1:
        yield _replicates_sheet(metric, style, comparison, found)


def _intervals_sheet(name: str, style: Metric, comparison: Comparison, unit: str, found: Numbers) -> Sheet:
    table, write = comparison.intervals.merge(comparison.stability, on="variant", suffixes=("", "_rank")), style.digits
    low, high = comparison.ends
    columns = (
        numbers("n", table["n"], whole),
        numbers(f"mean {style.heading}", table["mean"], decimals(write), style.better),
        numbers("95 % from", table[low], decimals(write)),
        numbers("to", table[high], decimals(write)),
        numbers("mean rank", table["mean_rank"], decimals(2), "lower"),
        numbers("rank", table["rank"], whole, "lower"),
        numbers("95 % of ranks from", table["low_rank"], decimals(0)),
        numbers("to rank", table["high_rank"], decimals(0)),
        numbers("first in", 100 * table["first"], lambda share: f"{share:.0f} %" if np.isfinite(share) else "–"),
    )
    note = f"Bootstrap percentile intervals over {_over(comparison, unit)} ({DRAWS} draws). First in: share of draws."
    if table["n"].max() < FEW:
        note += f" With fewer than {FEW} {unit} they are too narrow."
    p = significance.friedman_p(comparison.scores)
    if np.isfinite(p):
        apart = significance.critical_difference(comparison.scores.shape[1], len(comparison.scores.dropna()))
        note += f" Friedman's test p {equation(p)}; Nemenyi's critical difference of mean ranks {apart:.2f}."
    title = f"{style.heading}: intervals and ranks"
    note += _said_of(comparison)
    return Sheet(f"intervals_{name}", title, note, "Network", tuple(table["variant"]), columns, found.names)


def _leader_sheet(name: str, style: Metric, comparison: Comparison, unit: str, found: Numbers) -> Sheet:
    leader = str(comparison.stability.sort_values("rank", kind="stable")["variant"].iloc[0])
    others = of_leader(comparison, leader)
    low, high = comparison.ends
    write = signed(style.digits)
    columns = [
        numbers("n", others["n"], whole),
        numbers("difference", others["difference"], write),
        numbers("95 % from", others[low], write),
        numbers("to", others[high], write),
        numbers("p (Wilcoxon)", others["p_wilcoxon"], probability, first="lowest"),
        numbers("p (Holm)", others["p_holm"], probability, first="lowest"),
    ]
    if comparison.of_methods:
        columns.append(numbers("p of methods (Holm)", others["p"], probability, first="lowest"))
    title = f"{style.heading}: {found.names[leader]} against each other network"
    note = f"Differences over {unit}. {_tests_note(comparison, unit)}"
    return Sheet(f"leader_{name}", title, note, "Against", tuple(others.index), tuple(columns), found.names)


def _map_sheet(name: str, style: Metric, comparison: Comparison, unit: str, found: Numbers) -> Sheet:
    made = significance_map(comparison)
    columns = [_map_column(made, place, style) for place in range(len(made.variants))]
    note = (
        f"Above the diagonal: mean difference in {style.heading}, row minus column; below it: p after Holm's "
        f"correction over all {len(comparison.tests)} pairs. {_tests_note(comparison, unit)}"
    )
    title = f"{style.heading}: all pairs"
    return Sheet(f"tests_{name}", title, note, "Network", made.variants, tuple(columns), found.names)


def _map_column(made: Map, place: int, style: Metric) -> Column:
    column = np.where(np.arange(len(made.variants)) < place, made.differences[:, place], made.p[:, place])
    texts = [
        "" if row == place else signed(style.digits)(value) if row < place else probability(value)
        for row, value in enumerate(column)
    ]
    return Column(made.variants[place], tuple(map(float, column)), tuple(texts))


def _replicates_sheet(name: str, style: Metric, comparison: Comparison, found: Numbers) -> Sheet:
    table = comparison.replicates
    concordance, tau = ranking.kendall_w(table), ranking.mean_tau(table)
    write = decimals(0 if (table % 1 == 0).to_numpy().all() else 1)
    columns = tuple(numbers(str(variant), table[variant], write, first="lowest") for variant in table)
    note = (
        f"Rank by mean {style.heading} in each fold and seed, 1 the best. Kendall's W {decimals(2)(concordance)}, "
        f"mean τ between replicates {decimals(2)(tau)}."
    )
    title = f"{style.heading}: stability of the ranking"
    rows = tuple(map(str, table.index))
    return Sheet(f"stability_{name}", title, note, "Replicate", rows, columns, found.names)


def _ranks_sheet(found: Numbers) -> Sheet:
    table = found.ranks.pivot_table("rank", "variant", "metric", sort=False)
    columns = [numbers(ALL[str(metric)].heading, table[metric], decimals(0), "lower") for metric in table]
    note = "Rank by the mean over groups of every complete network, 1 the best; equal means share a rank."
    return _of_networks("ranks", "Ranks by metric", note, table, columns, found)


def _first_sheet(found: Numbers) -> Sheet:
    shares = {ALL[name].heading: one.stability.set_index("variant")["first"] for name, one in found.comparisons.items()}
    table = pd.DataFrame(shares)
    columns = [numbers(str(name), 100 * table[name], lambda share: f"{share:.0f} %", "higher") for name in table]
    over = _over(found.dice, found.verdict.basis.unit)
    note = f"Share of {DRAWS} bootstrap draws over {over} in which a network comes first by its mean."
    return _of_networks("first", "How often each network comes first", note, table, columns, found)


def _methods_sheet(found: Numbers) -> Sheet:
    table = found.dice.methods.pivot_table("rank", "variant", "method", sort=False)
    columns = [numbers(f"by {method}", table[method], decimals(0), "lower") for method in table]
    note = (
        "Rank by the mean and the median of Dice over groups, by the mean of the ranks within each group, and by the "
        "number of other networks that a corrected test at 5 % finds worse."
    )
    return _of_networks("methods", "Ranks by method of ranking", note, table, columns, found)


def _variance_sheet(found: Numbers) -> Sheet:
    table = found.variance.set_index("variant")
    write = decimals(4)
    columns = [
        numbers("folds", table["folds"], whole),
        numbers("seeds", table["seeds"], whole),
        numbers("n", table["groups"], whole),
        numbers("SD of seeds", table["sd_seeds"], write),
        numbers("SD of folds", table["sd_folds"], write),
        numbers("SD of groups", table["sd_groups"], write),
        numbers("SD of the rest", table["sd_rest"], write),
    ]
    one_seed = table["seeds"].min() < 2
    told = (
        "With one seed the noise of training can't be told from that of folds, nor the rest from groups."
        if one_seed
        else "Seeds: what another training of the same network on the same fold changes in its mean."
    )
    note = (
        f"Dice: standard deviations of its parts, by an analysis of variance with random effects. {told} "
        "Folds: what differs between folds beyond their groups and trainings."
    )
    return _of_networks("variance", "The noise of training", note, table, columns, found)


def _of_networks(name: str, title: str, note: str, table: pd.DataFrame, columns: list[Column], found: Numbers) -> Sheet:
    return Sheet(name, title, note, "Network", tuple(map(str, table.index)), tuple(columns), found.names)


def _over(comparison: Comparison, unit: str) -> str:
    return f"folds, trainings and {unit}" if comparison.of_methods else unit


def _tests_note(comparison: Comparison, unit: str) -> str:
    note = f"Wilcoxon's signed-rank test over {unit}, of these trained networks."
    if comparison.of_methods:
        note += f" P of methods: bootstrap draws over folds, trainings and {unit}."
    if significance.too_few(comparison.tests):
        count, pairs = int(comparison.tests["n"].max()), len(comparison.tests)
        note += f" With {count} {unit} and {pairs} pairs no corrected p can fall below 0.05."
    return note + _said_of(comparison)


def _said_of(comparison: Comparison) -> str:
    """What no test over groups can tell."""
    if comparison.of_methods:
        return ""
    return " All is said of these trained networks: with one seed another training might turn it round."
