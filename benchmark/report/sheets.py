"""The sheets of scores: overall, under other conditions, by structure, and beside the paper."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from benchmark.report.further.provenance import provenance
from benchmark.report.metrics import FURTHER, METRICS, Metric
from benchmark.report.numbers import Numbers
from benchmark.report.paper import earlier_table, ranking_agreement
from benchmark.report.sheet import Column, Sheet, decimals, equation, means, numbers, signed, whole
from benchmark.runs.evidence import Evidence
from benchmark.statistics import tables
from datamodules.patches.misalignment import Misalignment

ABSENCES = ("missed", "spurious")
"""Counted beside every mean, as a mean over what was found flatters."""


NOISE_SHEET = (
    "noise",
    "Robustness to PET noise",
    "Dice, mean ± standard deviation over subjects, against the level of noise added to the tested PET.",
)
MISALIGNED_SHEET = (
    "misalignment",
    "Robustness to misalignment",
    "Dice, mean ± standard deviation over subjects, with the tested PET displaced against the MR.",
)
"""Name, title and note of the sheets of conditions with levels."""


def main_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """The tables of the paper: overall, external cohorts, noise robustness; and tests without a modality."""
    note = f"Mean ± standard deviation over subjects. {_absences(found.summary)} {provenance(evidence)}".strip()
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
        yield _levels_sheet(evidence, found.noise, tables.NOISE, NOISE_SHEET)
    if len(found.misalignment):
        yield _levels_sheet(evidence, found.misalignment, tables.MISALIGNED, MISALIGNED_SHEET)
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


def paper_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """For each metric of Table 1 the printed values beside ours; none where fewer than two rows can be compared."""
    complete = found.paper[~found.paper["variant"].isin(list(evidence.incomplete))]
    taus = ranking_agreement(complete).set_index("metric").T.to_dict()
    for metric, rows in found.paper.groupby("metric", sort=False):
        if len(rows) < 2:
            continue
        style = METRICS[str(metric)]
        columns = [
            means("printed", rows["printed"], rows["printed_std"], style.digits, style.better),
            means("ours", rows["ours"], rows["std"], style.digits, style.better),
            numbers("difference", rows["difference"], signed(style.digits)),
        ]
        if rows["pooled"].notna().any():
            columns.insert(2, numbers("ours, pooled", rows["pooled"], decimals(style.digits), style.better))
        note = _ranking_note(taus.get(metric), pooled=len(columns) > 3)
        title = f"{style.heading}: the paper's Table 1 and ours"
        names = tuple(rows["variant"])
        unranked = frozenset(set(evidence.incomplete) & set(names))
        yield Sheet(f"paper_{metric}", title, note, "Network", names, tuple(columns), unranked, evidence.remark)
    if found.paper.groupby("metric").size().max() > 1:
        yield earlier_sheet()


def earlier_sheet() -> Sheet:
    """The same group's earlier papers beside Table 1, as a caution."""
    table = earlier_table()
    rows = tuple(dict.fromkeys(table["method"]))
    subjects = table.drop_duplicates("method")["subjects"]
    columns = [numbers("subjects", subjects, whole)]
    for metric, own in table.groupby("metric", sort=False):
        style = METRICS[str(metric)]
        columns.append(means(style.heading, own["mean"], own["std"], style.digits, "neither"))
    note = (
        "From abstracts; cohorts and label sets may differ. A U-Net of the same group reads near the proposed network, "
        "not near Table 1's UNet3D: the gap in Table 1 can't be taken for what the fusion gains."
    )
    return Sheet("paper_earlier", "The same group's earlier papers", note, "Method", rows, tuple(columns))


def _ranking_note(tau: Mapping[str, float] | None, *, pooled: bool) -> str:
    if tau is None or not np.isfinite(tau["tau"]):
        return "Fewer than three networks are complete, so rankings can't be compared."
    write = decimals(2)
    of_pooled = f"; of pooled counts {write(tau['tau_pooled'])}" if pooled else ""
    return (
        f"Kendall's τ of the rankings of {int(tau['n'])} complete networks {write(tau['tau'])} "
        f"(p {equation(tau['p'])}){of_pooled}. Mean ± standard deviation; the paper doesn't say over what."
    )


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


def _levels_sheet(evidence: Evidence, summary: pd.DataFrame, by: str, told: tuple[str, str, str]) -> Sheet:
    """Dice at every level of a condition, a column each."""
    name, title, note = told
    dice = summary[summary["metric"] == "dice"]
    variants = list(dict.fromkeys(dice["variant"]))
    columns = []
    for level in _ordered(dice[by].unique()):
        rows = dice[dice[by] == level].set_index("variant").reindex(variants)
        heading = level if isinstance(level, str) else f"{name} {level:g}"
        columns.append(means(heading, rows["mean"], rows["std"], 4, "higher"))
    lost = dice.groupby("variant", sort=False)[list(ABSENCES)].sum()
    columns += [numbers(absence, lost[absence], whole) for absence in ABSENCES]
    return _sheet(evidence, name, title, note, dice, columns)


def _ordered(levels: Iterable[float | str]) -> list[float | str]:
    """From the easiest to the hardest: numbers by size, displacements in words by millimetres, then degrees."""
    return sorted(levels, key=lambda level: _size(level) if isinstance(level, str) else (level, 0.0))


def _size(name: str) -> tuple[float, float]:
    found = Misalignment() if name == str(Misalignment()) else Misalignment.parse(name)
    return found.mm, found.degrees


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
