"""All sheets of an experiment's report: its numbers, set for print."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark import statistics, tables
from benchmark.consistency import quantities
from benchmark.evidence import Evidence
from benchmark.report.numbers import Numbers
from benchmark.report.paper import ranking_agreement
from benchmark.report.sheet import Better, Column, Sheet, decimals, equation, means, numbers, probability, signed, whole


@dataclass(frozen=True)
class Metric:
    """How a metric is printed."""

    heading: str
    digits: int = 4
    better: Better = "higher"


METRICS = {
    "dice": Metric("Dice"),
    "jaccard": Metric("Jaccard"),
    "sensitivity": Metric("Sensitivity"),
    "precision": Metric("Precision"),
    "hausdorff_mm": Metric("HD (mm)", 2, "lower"),
}
"""Columns of the paper's Table 1."""

ABSENCES = ("missed", "spurious")
"""Counted beside every mean, as a mean over what was found flatters."""

FURTHER = {
    "hausdorff95_mm": Metric("HD95 (mm)", 2, "lower"),
    "assd_mm": Metric("ASSD (mm)", 2, "lower"),
    "surface_dice_1mm": Metric("Surface Dice 1 mm"),
    "surface_dice_2mm": Metric("Surface Dice 2 mm"),
    "volume_similarity": Metric("Volume similarity"),
}


def main_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """The tables of the paper: overall, external cohorts, noise robustness; and tests without a modality."""
    note = f"Mean ± standard deviation over subjects. {_absences(found.summary)}"
    yield _scores_sheet(evidence, "overall", "Overall comparison", found.summary, METRICS, note)
    yield _scores_sheet(evidence, "further", "Distances, surfaces and volumes", found.summary, FURTHER, note)
    for name, rows in found.external.groupby(tables.TEST_COHORT, sort=False) if len(found.external) else ():
        title = f"External cohort {name}"
        yield _scores_sheet(
            evidence, f"external_{name}", title, rows, METRICS, f"{note} Networks of all folds averaged."
        )
    for name, rows in found.missing.groupby(tables.MISSING, sort=False) if len(found.missing) else ():
        title, told = f"Tested without {str(name).upper()}", f"{note} The network was trained with it; it is set to 0."
        yield _scores_sheet(evidence, f"missing_{name}", title, rows, METRICS, told)
    if len(found.noise):
        yield _noise_sheet(evidence, found.noise)
    yield _pooled_sheet(evidence, found.pooled)


def structure_sheet(evidence: Evidence, found: Numbers) -> Sheet:
    """Dice of every structure."""
    table = tables.wide(found.structures, "dice", "structure", "variant")
    columns = [numbers(str(name), table[name], decimals(3), "higher") for name in table]
    for absence in ABSENCES:
        counted = tables.wide(found.structures, "dice", "structure", "variant", absence).sum(axis=1)
        columns.append(numbers(absence, counted, whole))
    note = "Mean Dice over subjects; missed and spurious count subjects and networks."
    unranked = frozenset(evidence.incomplete)
    rows = tuple(map(str, table.index))
    return Sheet(
        "structures", "Structures", note, "Structure", rows, tuple(columns), unranked, evidence.remark, best_of="row"
    )


def consistency_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """Agreement of volume and uptake with the truth, of the leading variant in every structure."""
    own = found.consistency[found.consistency["variant"] == found.leader]
    for quantity in quantities(evidence.cases):
        rows = own[own["quantity"] == quantity.name]
        columns = (
            numbers("n", rows["n"], whole),
            numbers(f"bias ({quantity.unit})", rows["bias"], signed(3)),
            numbers("95 % limits from", rows["lower_limit"], signed(3)),
            numbers("to", rows["upper_limit"], signed(3)),
            numbers("r", rows["r"], decimals(3)),
            numbers("ICC", rows["icc"], decimals(3)),
            numbers("within 5 %", 100 * rows["tolerable"], lambda share: f"{share:.0f} %"),
        )
        title = f"{quantity.title}: agreement with the truth in every structure"
        note = f"{found.leader}. Within 5 %: share of subjects with at most that relative error."
        yield Sheet(
            f"consistency_{quantity.name}",
            title,
            note,
            "Structure",
            tuple(rows["structure"]),
            columns,
            frozenset(),
            evidence.remark,
        )


def paper_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """For each metric of Table 1 the printed values beside ours; none where fewer than two rows can be compared."""
    taus = ranking_agreement(found.paper).set_index("metric").T.to_dict()
    for metric, rows in found.paper.groupby("metric", sort=False):
        if len(rows) < 2:
            continue
        style, tau = METRICS[str(metric)], taus[metric]
        write, difference = decimals(style.digits), signed(style.digits)
        columns = [
            numbers("printed", rows["printed"], write, style.better),
            numbers("ours", rows["ours"], write, style.better),
            numbers("difference", rows["difference"], difference),
        ]
        note = f"Kendall's τ of the ranking {decimals(2)(tau['tau'])} (p {equation(tau['p'])}, n = {int(tau['n'])})"
        if rows["pooled"].notna().any():
            columns.insert(2, numbers("ours, pooled", rows["pooled"], write, style.better))
            note += f"; of pooled counts {decimals(2)(tau['tau_pooled'])}"
        title = f"{style.heading}: the paper's Table 1 and ours"
        names = tuple(rows["variant"])
        unranked = frozenset(set(evidence.incomplete) & set(names))
        yield Sheet(f"paper_{metric}", title, f"{note}.", "Network", names, tuple(columns), unranked, evidence.remark)


def statistics_sheets(found: Numbers) -> Iterator[Sheet]:
    """Intervals and mean ranks, paired tests, and ranks in every fold and seed; none below two complete variants."""
    if found.scores.shape[1] < 2:
        return
    yield _intervals_sheet(found)
    yield _tests_sheet(found)
    if len(found.replicates) > 1:
        yield _replicates_sheet(found.replicates)


def _scores_sheet(
    evidence: Evidence, name: str, title: str, summary: pd.DataFrame, metrics: dict[str, Metric], note: str
) -> Sheet:
    columns = []
    for metric, style in metrics.items():
        rows = summary[summary["metric"] == metric]
        columns.append(means(style.heading, rows["mean"], rows["std"], style.digits, style.better))
    return _sheet(evidence, name, title, note, summary, [*columns, *_behind(summary)])


def _pooled_sheet(evidence: Evidence, pooled: pd.DataFrame) -> Sheet:
    columns = []
    for metric in ("dice", "jaccard", "sensitivity", "precision"):
        rows = pooled[pooled["metric"] == metric]
        style = METRICS[metric]
        columns.append(means(style.heading, rows["mean"], rows["std"], style.digits, style.better))
    note = "Counts of each structure summed over subjects first; mean ± standard deviation over structures."
    return _sheet(evidence, "pooled", "The pooled reading", note, pooled, [*columns, *_behind(pooled)[1:]])


def _noise_sheet(evidence: Evidence, summary: pd.DataFrame) -> Sheet:
    dice = summary[summary["metric"] == "dice"]
    levels = sorted(dice[tables.NOISE].unique())
    columns = []
    for level in levels:
        rows = dice[dice[tables.NOISE] == level].set_index("variant").reindex(list(dict.fromkeys(dice["variant"])))
        columns.append(means(f"noise {level:g}", rows["mean"], rows["std"], 4, "higher"))
    lost = dice.groupby("variant", sort=False)[list(ABSENCES)].sum()
    columns += [numbers(absence, lost[absence], whole) for absence in ABSENCES]
    note = "Dice, mean ± standard deviation over subjects, against the level of noise added to the tested PET."
    return _sheet(evidence, "noise", "Robustness to PET noise", note, dice, columns)


def _sheet(evidence: Evidence, name: str, title: str, note: str, summary: pd.DataFrame, columns: list[Column]) -> Sheet:
    rows = tuple(map(str, dict.fromkeys(summary["variant"])))
    unranked = frozenset(set(rows) & set(evidence.incomplete))
    partly = "; ".join(f"† {row}: {evidence.incomplete[row]}" for row in rows if row in unranked)
    full_note = f"{note} {partly}. Rows with † are over fewer runs and not ranked." if partly else note
    return Sheet(name, title, full_note.strip(), "Network", rows, tuple(columns), unranked, evidence.remark)


def _behind(summary: pd.DataFrame) -> list[Column]:
    """What the means are over."""
    rows = summary[summary["metric"] == "dice"]
    if rows.empty:
        rows = summary.drop_duplicates("variant")
    return [numbers(column, rows[column], whole) for column in ("n", *ABSENCES)]


def _absences(summary: pd.DataFrame) -> str:
    rows = summary[summary["metric"] == "dice"]
    if not (rows["missed"].sum() or rows["spurious"].sum()):
        return "No structure was missed or spurious."
    return "A missed or spurious structure scores 0, and the volume's diagonal as its distance."


def _intervals_sheet(found: Numbers) -> Sheet:
    table = found.intervals
    columns = (
        numbers("n", table["n"], whole),
        numbers("mean Dice", table["mean"], decimals(4), "higher"),
        numbers("95 % from", table["low"], decimals(4)),
        numbers("to", table["high"], decimals(4)),
        numbers("mean rank", table["mean_rank"], decimals(2), "lower"),
    )
    p = statistics.friedman_p(found.scores)
    note = f"Bootstrap percentile intervals over subjects ({statistics.DRAWS} draws)."
    if np.isfinite(p):
        apart = statistics.critical_difference(found.scores.shape[1], len(found.scores.dropna()))
        note += f" Friedman's test p {equation(p)}; Nemenyi's critical difference of mean ranks {apart:.2f}."
    return Sheet("intervals", "Intervals and mean ranks", note, "Network", tuple(table["variant"]), columns)


def _tests_sheet(found: Numbers) -> Sheet:
    table = found.tests
    rows = tuple(f"{first} – {second}" for first, second in zip(table["first"], table["second"], strict=True))
    columns = (
        numbers("n", table["n"], whole),
        numbers("difference", table["difference"], signed(4)),
        numbers("95 % from", table["low"], signed(4)),
        numbers("to", table["high"], signed(4)),
        numbers("p", table["p"], probability),
        numbers("p (Holm)", table["p_holm"], probability),
    )
    subjects = int(table["n"].max())
    note = "Dice, Wilcoxon's signed-rank test over subjects, Holm's correction over all pairs."
    if len(table) * statistics.smallest_p(subjects) > statistics.LEVEL:
        note += f" With {subjects} subjects and {len(table)} pairs no corrected p can fall below 0.05."
    return Sheet("tests", "Pairwise tests", note, "Pair", rows, columns)


def _replicates_sheet(table: pd.DataFrame) -> Sheet:
    concordance, tau = statistics.kendall_w(table), statistics.mean_tau(table)
    write = decimals(0 if (table % 1 == 0).to_numpy().all() else 1)
    columns = tuple(numbers(str(name), table[name], write) for name in table)
    note = (
        f"Rank by mean Dice in each fold and seed, 1 the best. Kendall's W {decimals(2)(concordance)}, "
        f"mean τ between replicates {decimals(2)(tau)}."
    )
    return Sheet("stability", "Stability of the ranking", note, "Replicate", tuple(map(str, table.index)), columns)
