"""The sheets of consistency: agreement of volume and uptake between prediction and truth."""

from collections.abc import Iterator

import pandas as pd

from benchmark.figures.groups import six_structures, stand_ins
from benchmark.figures.names import readable
from benchmark.report.numbers import Numbers
from benchmark.report.sheets.sheet import Column, Sheet, decimals, numbers, signed, whole
from benchmark.runs.evidence import Evidence
from benchmark.statistics.consistency import Quantity

NOTE = (
    "95 % limits of agreement (Bland-Altman); Pearson's r with its 95 % interval; ICC(2,1). n: subjects with both "
    "measured. Within 5 %: share of all subjects; a missed or spurious structure isn't. Of several seeds the first."
)


def consistency_sheets(evidence: Evidence, found: Numbers) -> Iterator[Sheet]:
    """For volume and uptake: all variants in the paper's six structures, and the leading one in every structure."""
    for measured in found.measured:
        quantity = measured.quantity
        table = found.consistency[found.consistency["quantity"] == quantity.name]
        if table.empty:  # fewer than two subjects, or nothing found
            continue
        names = list(dict.fromkeys(table["structure"]))
        compared = pd.concat([table[table["structure"] == structure] for structure in six_structures(names)])
        rows = tuple(
            f"{readable(structure)}, {found.names[variant]}"
            for structure, variant in zip(compared["structure"], compared["variant"], strict=True)
        )
        title = f"{quantity.title}: agreement with the truth of every network in the paper's structures"
        note = " ".join(filter(None, (stand_ins(names), quantity.remark, NOTE)))
        yield _sheet(evidence, f"consistency_{quantity.name}_networks", title, note, rows, compared, quantity)
        own = table[table["variant"] == found.leader]
        title = f"{quantity.title}: agreement with the truth in every structure"
        note = " ".join(filter(None, (f"{found.names[found.leader]}.", quantity.remark, NOTE)))
        rows = tuple(map(readable, own["structure"]))
        yield _sheet(evidence, f"consistency_{quantity.name}", title, note, rows, own, quantity)


def _sheet(
    evidence: Evidence,
    name: str,
    title: str,
    note: str,
    names: tuple[str, ...],
    rows: pd.DataFrame,
    quantity: Quantity,
) -> Sheet:
    columns = _columns(rows, f" ({quantity.unit})" if quantity.unit else "")
    return Sheet(name, title, note, "Structure", names, columns, remark=evidence.remark)


def _columns(rows: pd.DataFrame, unit: str) -> tuple[Column, ...]:
    return (
        numbers("n", rows["n"], whole),
        numbers(f"bias{unit}", rows["bias"], signed(3)),
        numbers("95 % limits from", rows["lower_limit"], signed(3)),
        numbers("to", rows["upper_limit"], signed(3)),
        numbers("r", rows["r"], decimals(3)),
        numbers("r from", rows["r_low"], decimals(3)),
        numbers("r to", rows["r_high"], decimals(3)),
        numbers("ICC", rows["icc"], decimals(3)),
        numbers("within 5 %", 100 * rows["tolerable"], lambda share: f"{share:.0f} %"),
    )
