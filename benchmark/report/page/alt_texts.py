"""What figures show, for those who can't see them: the numbers that a glance at them would find."""

from collections.abc import Callable, Mapping

import pandas as pd

from benchmark.figures.names import readable
from benchmark.report.numbers import Numbers
from benchmark.report.pictures import Picture
from benchmark.statistics.verdict import of_leader


def alt_text(picture: Picture, found: Numbers) -> str:
    """The title of a figure, and what is to be seen there; of figures that aren't known the caption."""
    tell = TEXTS.get(picture.name)
    return f"{picture.title}. {tell(found) if tell else picture.caption}"


def _boxes(found: Numbers) -> str:
    dice = found.summary[found.summary["metric"] == "dice"]
    return f"Mean Dice, best first: {_listed(found, dice, 'mean', 3)}."


def _mean_ranks(found: Numbers) -> str:
    return f"Mean rank by Dice: {_listed(found, found.dice.intervals, 'mean_rank', 2)}."


def _first(found: Numbers) -> str:
    told = found.dice.stability.assign(first=100 * found.dice.stability["first"])
    return f"First by mean Dice in per cent of draws: {_listed(found, told, 'first', 0)}."


def _differences(found: Numbers) -> str:
    if not found.verdict.leader:
        return "Nobody leads."
    against = of_leader(found.dice, found.verdict.leader).rename_axis("variant").reset_index()
    leader = found.names[found.verdict.leader]
    return f"{leader} minus each other network in mean Dice: {_listed(found, against, 'difference', 3)}."


def _methods(found: Numbers) -> str:
    first = found.dice.methods[found.dice.methods["rank"] == 1]
    told = (f"{row.method} {found.names[str(row.variant)]}" for row in first.itertuples())
    return f"First by each way to rank: {', '.join(told)}."


def _replicates(found: Numbers) -> str:
    times = found.dice.replicates.idxmin(axis=1).value_counts()
    told = ", ".join(f"{found.names[str(name)]} in {count}" for name, count in times.items())
    return f"First of {len(found.dice.replicates)} folds and seeds: {told}."


def _ranks(found: Numbers) -> str:
    first = found.ranks[found.ranks["rank"] == 1]
    told = ", ".join(f"{found.names[str(row.variant)]} in {row.metric}" for row in first.itertuples())
    return f"First by the mean: {told}."


def _structures(found: Numbers) -> str:
    dice = found.structures[found.structures["metric"] == "dice"]
    means = dice.groupby("structure", sort=False)["mean"].mean()
    best, worst = str(means.idxmax()), str(means.idxmin())
    return (
        f"Over all networks: best {readable(best)} ({means[best]:.3f}), worst {readable(worst)} ({means[worst]:.3f})."
    )


def _beside_paper(found: Numbers) -> str:
    dice = found.paper[found.paper["metric"] == "dice"]
    return f"Our mean Dice minus the printed one: {_listed(found, dice, 'difference', 3)}."


def _costs(found: Numbers) -> str:
    fronts = [column for column in found.costs if str(column).startswith("front_")]
    on = found.costs.loc[found.costs[fronts].any(axis=1), "variant"]
    return f"On the front of Dice against some cost: {', '.join(found.names[name] for name in on)}."


TEXTS: Mapping[str, Callable[[Numbers], str]] = {
    "boxes": _boxes,
    "rank_blobs": _first,
    "first_map": _first,
    "significance_map": _differences,
    "paired": _differences,
    "critical_difference": _mean_ranks,
    "rank_map": _ranks,
    "ranking_methods": _methods,
    "stability": _replicates,
    "structures": _structures,
    "beside_paper": _beside_paper,
    "cost": _costs,
}
"""Name of a figure to what tells it; its caption tells any other one."""


def _listed(found: Numbers, table: pd.DataFrame, column: str, digits: int) -> str:
    """Every network with its number, in the order of the report."""
    values = table.set_index("variant")[column]
    known = [(shown, values[name]) for name, shown in found.names.items() if name in values]
    return ", ".join(f"{shown} {value:.{digits}f}" for shown, value in known)
