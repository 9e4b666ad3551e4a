"""How stable the ranking is: in bootstrap draws, by method, by fold and seed, and subject by subject."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.figures.style import INK, SOFT, WIDTH, Look
from benchmark.statistics.ranking import METHODS

BLOB = 260.0
"""Square points of a blob that holds all draws."""
BETTER, WORSE = "#1f5a94", "#b3541e"


def rank_blobs(shares: pd.DataFrame, stability: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw in which share of bootstrap draws each network has which rank, its median and its 95 % interval.

    Args:
        shares: Of `benchmark.statistics.ranking.rank_shares`.
        stability: Of `benchmark.statistics.ranking.rank_stability`.
        looks: Of the variants, in the order of their rows.
    """
    places = {variant: place for place, variant in enumerate(looks)}
    figure, axes = plt.subplots(figsize=(WIDTH, 0.75 + 0.27 * len(looks)), layout="constrained")
    for variant, own in shares.groupby("variant", sort=False):
        place, colour = places[str(variant)], looks[str(variant)].colour
        axes.scatter(own["rank"], [place] * len(own), s=BLOB * own["share"], color=colour, alpha=0.75, linewidths=0)
    summaries = stability.set_index("variant").reindex(list(looks))
    for place, (median, low, high, first) in enumerate(summaries[["median", "low", "high", "first"]].to_numpy(float)):
        axes.plot([low, high], [place + 0.36] * 2, "-", color=INK, linewidth=1)
        axes.plot(median, place, "x", color=INK, markersize=5, markeredgewidth=1.1)
        axes.annotate(f"{100 * first:.0f} %", (1.01, place), xycoords=("axes fraction", "data"), va="center")
    axes.annotate("first", (1.01, -0.75), xycoords=("axes fraction", "data"), va="center", color=SOFT)
    axes.set_yticks(range(len(looks)), [look.label for look in looks.values()])
    axes.set(ylim=(len(looks) - 0.4, -0.7), xlim=(0.5, len(looks) + 0.5), xlabel="rank in bootstrap draws")
    axes.set_xticks(range(1, len(looks) + 1))
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return figure


def method_lines(methods: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw each network's rank by every method of ranking, of `benchmark.statistics.ranking.ranks_by_method`."""
    table = methods.pivot_table("rank", "method", "variant").reindex(index=list(METHODS), columns=list(looks))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.22 * len(looks)), layout="constrained")
    _rank_lines(axes, table, looks, named=0)
    axes.set_xticks(range(len(METHODS)), [f"by {method}" for method in METHODS])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel("rank")
    axes.spines["right"].set_visible(True)
    axes.spines["left"].set_visible(False)
    return figure


def rank_paths(table: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw each network's rank across replicates, as made by `benchmark.statistics.ranking.replicate_ranks`."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.22 * len(looks)), layout="constrained")
    _rank_lines(axes, table, looks, named=-1)
    axes.set_xticks(range(len(table)), replicate_labels(list(map(str, table.index))))
    axes.set(xlabel="fold and seed", ylabel="rank by mean Dice")
    return figure


def replicate_labels(replicates: Sequence[str]) -> list[str]:
    """Short names of "fold 0, seed 0", ...: folds where there is one seed, else seeds, and the fold below its first."""
    folds, seeds = zip(*(name.split(", ") for name in replicates), strict=True)
    if len(set(seeds)) == 1:
        return list(folds)
    firsts = [fold if fold not in folds[:place] else "" for place, fold in enumerate(folds)]
    return [f"{seed.removeprefix('seed ')}\n{fold}" for seed, fold in zip(seeds, firsts, strict=True)]


def _rank_lines(axes: Axes, table: pd.DataFrame, looks: Mapping[str, Look], named: int) -> None:
    """One line a network; those of one rank stand a little apart, and share a name at the first or the last place."""
    places = np.arange(len(table))
    count = table.shape[1]
    for index, variant in enumerate(table):
        shift = 0.0 if count < 2 else 0.16 * (index / (count - 1) - 0.5)
        look = looks[str(variant)]
        axes.plot(places, table[variant] + shift, color=look.colour, marker=look.marker, markersize=5)
    ends, aside = table.iloc[named], {"xytext": (-7, 0), "ha": "right"} if named == 0 else {"xytext": (7, 0)}
    for rank, tied in ends.groupby(ends):
        names = ", ".join(looks[str(variant)].label for variant in tied.index)
        axes.annotate(names, (places[named], rank), textcoords="offset points", va="center", **aside)
    axes.set(yticks=range(1, count + 1), ylim=(count + 0.4, 0.6))


def paired_lines(subjects: pd.DataFrame, leader: str, others: Sequence[str], looks: Mapping[str, Look]) -> Figure:
    """Draw Dice of every subject by the leader and by others, a line a subject, each panel one other.

    Args:
        subjects: Of `benchmark.statistics.tables.by_subject`.
        leader: The variant on the left of every panel.
        others: Those on the right.
        looks: Of the variants.
    """
    dice = subjects[subjects["metric"] == "dice"].pivot_table("value", "subject", "variant")
    figure, panels = plt.subplots(
        1, len(others), figsize=(WIDTH * len(others) / 3, 3.3), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, other in zip(panels.flat, others, strict=True):
        both = dice[[leader, other]].dropna()
        change = both[leader] - both[other]
        ends = [[(0.0, left), (1.0, right)] for left, right in both.to_numpy(float)]
        colours = np.where(change >= 0, BETTER, WORSE)
        axes.add_collection(LineCollection(ends, colors=colours, linewidths=0.8, alpha=0.55))
        axes.plot([0, 1], both.mean(), "o-", color=INK, linewidth=2, markersize=5)
        axes.set_xticks([0, 1], [_stacked(looks[name].label) for name in (leader, other)])
        axes.set_xlim(-0.5, 1.5)
        axes.set_title(f"{int((change > 0).sum())} of {len(both)} better\n{_least(change)}", linespacing=1.4)
        axes.yaxis.set_major_locator(MaxNLocator(5))
    panels.flat[0].set_ylabel("Dice of a subject")
    return figure


def _stacked(label: str) -> str:
    """A name above author above year, as panels are narrow."""
    name, *source = label.split(" (")
    return "\n(".join([name, *(each.replace(" ", "\n") for each in source)])


def _least(change: "pd.Series[float]") -> str:
    """What the mean difference is, and at least without any one subject."""
    without = (change.sum() - change) / max(1, len(change) - 1)
    mean, extreme = change.mean(), without.min() if change.mean() >= 0 else without.max()
    return f"mean {mean:+.3f}\nwithout one {extreme:+.3f}".replace("-", "−")
