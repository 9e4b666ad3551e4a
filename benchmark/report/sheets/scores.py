"""The sheets of scores: overall, under other conditions, by structure, of cost, and beside the paper."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.figures.cost_plots import PANELS
from benchmark.figures.names import readable, without_sources
from benchmark.report.how_trained import provenance
from benchmark.report.metrics import ALL, FURTHER, METRICS, tolerance_mm
from benchmark.report.numbers import Numbers
from benchmark.report.paper import earlier_table, ranking_agreement
from benchmark.report.sheets.sheet import Column, Sheet, decimals, equation, means, numbers, signed, whole
from benchmark.runs.evidence import Evidence
from benchmark.statistics import tables
from datamodules.patches.misalignment import Misalignment

ABSENCES = ("missed", "spurious")
"""Counted beside every mean, as a mean over what was found flatters."""


NOISE_SHEET = (
    "noise",
    "Robustness to PET noise",
    "Dice, mean ± standard deviation over the n subjects that were tested at every level of noise added to the PET.",
)
MISALIGNED_SHEET = (
    "misalignment",
    "Robustness to misalignment",
    "Dice, mean ± standard deviation over the n subjects that were tested with every displacement of the PET.",
)
"""Name, title and note of the sheets of conditions with levels."""


def main_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """The tables of the paper: overall, external cohorts, noise robustness; and tests without a modality."""
    note = f"Mean ± standard deviation over subjects. {_absences(found.summary)}{_unscored(found)}"
    trained = f"{note} {provenance(evidence, found.names)}".strip()
    yield _scores_sheet(evidence, found, "overall", "Overall comparison", found.summary, tuple(METRICS), trained)
    further = f"{trained}{_untold(found)}"
    yield _scores_sheet(evidence, found, "further", "Distances, surfaces and volumes", found.summary, FURTHER, further)
    for name, rows in found.external.groupby(tables.TEST_COHORT, sort=False) if len(found.external) else ():
        title, told = f"External cohort {name}", f"{note} Networks of all folds averaged."
        yield _scores_sheet(evidence, found, f"external_{name}", title, rows, METRICS, told)
    for name, rows in found.missing.groupby(tables.MISSING, sort=False) if len(found.missing) else ():
        title, told = f"Tested without {str(name).upper()}", f"{note} The network was trained with it; it is set to 0."
        yield _scores_sheet(evidence, found, f"missing_{name}", title, rows, METRICS, told)
    if len(found.noise):
        yield _levels_sheet(evidence, found, found.noise, tables.NOISE, NOISE_SHEET)
    if len(found.misalignment):
        yield _levels_sheet(evidence, found, found.misalignment, tables.MISALIGNED, MISALIGNED_SHEET)
    yield _pooled_sheet(evidence, found)


def structure_sheet(evidence: Evidence, found: Numbers) -> Sheet:
    """Dice of every structure, the largest first."""
    table = tables.wide(found.structures, "dice", "structure", "variant").reindex(found.sizes["structure"])
    columns = [numbers("ml", found.sizes["ml"], decimals(2))]
    columns += [numbers(str(name), table[name], decimals(3), "higher") for name in table]
    for absence in ABSENCES:
        counted = tables.wide(found.structures, "dice", "structure", "variant", absence).sum(axis=1)
        columns.append(numbers(absence, counted.reindex(table.index), whole, first="lowest"))
    note = "Mean Dice over subjects, by mean volume of the truth; missed and spurious count subjects and networks."
    return Sheet(
        name="structures",
        title="Structures",
        note=f"{note}{_unscored(found)}",
        corner="Structure",
        rows=tuple(map(str, table.index)),
        columns=tuple(columns),
        shown=without_sources(_shown(found)),
        unranked=frozenset(evidence.incomplete),
        remark=evidence.remark,
        best_of="row",
    )


def cost_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """What every complete network costs beside its Dice; a star where no other one scores as much for as little."""
    table = found.costs
    if table.empty:
        return
    columns = [means("Dice", table["dice"], [np.nan] * len(table), 4, "higher")]
    for cost, heading in PANELS.items():
        if cost in table:
            columns.append(_cost_column(heading, table[cost], table[f"front_{cost}"]))
    note = (
        "★: no other network has at least this Dice for no more of this cost (Pareto front). GMAC of one patch; "
        "minutes of training with validation and seconds of labelling a subject: medians, on whatever hardware."
    )
    rows = tuple(table["variant"])
    yield Sheet("cost", "Cost", note, "Network", rows, tuple(columns), found.names, remark=evidence.remark)


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
        yield _sheet(evidence, found, f"paper_{metric}", title, note, tuple(rows["variant"]), columns)
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
    evidence: Evidence,
    found: Numbers,
    name: str,
    title: str,
    summary: pd.DataFrame,
    metrics: Sequence[str] | Mapping[str, object],
    note: str,
) -> Sheet:
    columns = []
    for metric in (one for one in metrics if one in found.metrics):
        rows, style = summary[summary["metric"] == metric], ALL[metric]
        columns.append(means(style.heading, rows["mean"], rows["std"], style.digits, style.better))
    return _sheet(evidence, found, name, title, note, _variants(summary), [*columns, *_behind(summary)])


def _pooled_sheet(evidence: Evidence, found: Numbers) -> Sheet:
    pooled, columns = found.pooled, []
    for metric in ("dice", "jaccard", "sensitivity", "precision"):
        rows, style = pooled[pooled["metric"] == metric], METRICS[metric]
        columns.append(means(style.heading, rows["mean"], rows["std"], style.digits, style.better))
    note = (
        "Counts of each structure summed over subjects first; mean ± standard deviation over structures."
        f"{_unscored(found)}"
    )
    lost = [column for column in _behind(pooled) if column.heading in ABSENCES]
    return _sheet(evidence, found, "pooled", "The pooled reading", note, _variants(pooled), [*columns, *lost])


def _levels_sheet(
    evidence: Evidence, found: Numbers, summary: pd.DataFrame, by: str, told: tuple[str, str, str]
) -> Sheet:
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
    columns.append(numbers("n", dice.groupby("variant", sort=False)["n"].max(), whole))
    columns += [numbers(absence, lost[absence], whole, first="lowest") for absence in ABSENCES]
    return _sheet(evidence, found, name, title, f"{note}{_unscored(found)}", _variants(dice), columns)


def _ordered(levels: Iterable[float | str]) -> list[float | str]:
    """From the easiest to the hardest: numbers by size, displacements in words by millimetres, then degrees."""
    return sorted(levels, key=lambda level: _size(level) if isinstance(level, str) else (level, 0.0))


def _size(name: str) -> tuple[float, float]:
    found = Misalignment() if name == str(Misalignment()) else Misalignment.parse(name)
    return found.mm, found.degrees


def _sheet(
    evidence: Evidence,
    found: Numbers,
    name: str,
    title: str,
    note: str,
    rows: tuple[str, ...],
    columns: Sequence[Column],
) -> Sheet:
    """A sheet whose rows are networks."""
    unranked = frozenset(set(rows) & set(evidence.incomplete))
    partly = "; ".join(f"† {found.names[row]}: {evidence.incomplete[row]}" for row in rows if row in unranked)
    full_note = f"{note} {partly}. Rows with † are over fewer runs and not ranked." if partly else note
    return Sheet(
        name, title, full_note.strip(), "Network", rows, tuple(columns), found.names, unranked, evidence.remark
    )


def _variants(summary: pd.DataFrame) -> tuple[str, ...]:
    return tuple(map(str, dict.fromkeys(summary["variant"])))


def _shown(found: Numbers) -> dict[str, str]:
    return {**found.names, **{name: readable(name) for name in found.sizes["structure"]}}


def _cost_column(heading: str, costs: "pd.Series[float]", front: "pd.Series[bool]") -> Column:
    texts = (f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}" for value in costs)
    starred = (
        ("–" if np.isnan(value) else text) + (" ★" if on else "")
        for value, text, on in zip(costs, texts, front, strict=True)
    )
    return Column(heading, tuple(map(float, costs)), tuple(starred), first="lowest")


def _behind(summary: pd.DataFrame) -> list[Column]:
    """What the means are over: subjects, and the structures that were found, missed or spurious."""
    rows = summary[summary["metric"] == "dice"]
    if rows.empty:
        rows = summary.drop_duplicates("variant")
    found = rows["cells"] - rows["missed"] - rows["spurious"]
    absences = [numbers(absence, rows[absence], whole, first="lowest") for absence in ABSENCES]
    return [numbers("n", rows["n"], whole), numbers("found", found, whole), *absences]


def _absences(summary: pd.DataFrame) -> str:
    rows = summary[summary["metric"] == "dice"]
    if not (rows["missed"].sum() or rows["spurious"].sum()):
        return "No structure was missed or spurious."
    return (
        "A missed or spurious structure scores 0 and pays the volume's diagonal as distance; distances of found are "
        "over the structures that truth and prediction both have (column found)."
    )


def _unscored(found: Numbers) -> str:
    if not found.unscored:
        return ""
    scored = len(found.sizes) - len(found.unscored)
    return f" Means are over {scored} of {len(found.sizes)} structures, without {', '.join(found.unscored)}."


def _untold(found: Numbers) -> str:
    left_out = [f"{tolerance_mm(name):g}" for name in FURTHER if name not in found.metrics]
    if not left_out:
        return ""
    return (
        f" Surface Dice at {' and '.join(left_out)} mm is left out, since a voxel is {found.voxel_mm:.3g} mm wide: "
        "surfaces can't be found closer than that."
    )
