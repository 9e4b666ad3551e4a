"""Figures of statistics: which networks differ, how they rank, and whether they would again."""

from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd

from benchmark.figures import captions, heat_maps, rank_plots, ranking
from benchmark.figures.style import Look
from benchmark.report.drawing import Drawing
from benchmark.report.metrics import ALL
from benchmark.report.numbers import Numbers
from benchmark.statistics.resampling import DRAWS, LEVEL
from benchmark.statistics.significance_map import significance_map

PAIRED = 3
"""Networks beside the leader whose subjects are drawn one by one."""


def statistics_drawings(found: Numbers, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    """Of complete variants, where there are two."""
    dice, basis = found.dice, found.verdict.basis
    if len(seen) < 2 or not basis.groups:
        return
    over = f"folds, trainings and {basis.unit}" if dice.of_methods else basis.unit
    count = f"n = {basis.groups} {basis.unit}."
    said = "" if dice.of_methods else " Said of these trained networks, not of their methods: there is one seed."
    headings = {name: ALL[name].heading for name in found.comparisons}
    yield Drawing(
        "rank_blobs",
        "statistics",
        "Ranks in bootstrap draws",
        f"Rank by mean Dice in bootstrap draws over {over}: area shows the share of draws, a cross the median, a line "
        f"95 % of them; on the right how often a network comes first. {count}{said}",
        partial(rank_plots.rank_blobs, dice.rank_shares, dice.stability, seen),
        ("rank_shares", "stability"),
    )
    yield Drawing(
        "significance_map",
        "statistics",
        "Which pairs differ",
        "Above the diagonal: mean difference in Dice, row minus column. Below: p after Holm's correction, "
        f"{'bootstrap over ' + over if dice.of_methods else 'of signed-rank tests'}, bold below 0.05. "
        f"{_floor(found)}{count}{said}",
        partial(heat_maps.pair_map, significance_map(dice), seen),
        ("tests",),
    )
    yield from _ranks(found, seen, headings, f"bootstrap draws over {over}", f"{count}{said}")
    if len(seen) > 2 and basis.groups > 1:
        mean_ranks = dice.intervals.set_index("variant")["mean_rank"]
        yield Drawing(
            "critical_difference",
            "statistics",
            "Mean ranks",
            f"Rank by Dice within each of the {basis.unit}, 1 the best. A bar joins networks that the Holm-corrected "
            f"tests don't tell apart at 5 %. {_floor(found)}The ruler is Nemenyi's critical difference: by that test, "
            f"which looks at ranks alone, mean ranks differ if they lie farther apart. {count}{said}",
            partial(ranking.critical_difference_diagram, mean_ranks, dice.tests, basis.groups, seen),
            ("intervals", "tests"),
        )
    yield _paired(found, seen)


def _floor(found: Numbers) -> str:
    """What the tests can't find at this n."""
    tests, floor = found.dice.tests, found.verdict.floor
    least = f"{DRAWS} draws" if found.dice.of_methods else f"{int(tests['n'].max())} {found.verdict.basis.unit}"
    nothing = ", so nothing can be told apart, however far it lies" if floor > LEVEL else ""
    return f"With {least} and {len(tests)} pairs no corrected p can be below {floor:.2g}{nothing}. "


def _ranks(
    found: Numbers, seen: Mapping[str, Look], headings: Mapping[str, str], draws: str, told: str
) -> Iterator[Drawing]:
    yield Drawing(
        "rank_map",
        "statistics",
        "Ranks by metric",
        f"Rank by the mean, 1 the best. Of found: over structures that truth and prediction both have. {told}",
        partial(heat_maps.rank_map, found.ranks, headings, seen),
        ("ranks",),
    )
    stability = pd.concat([one.stability.assign(metric=name) for name, one in found.comparisons.items()])
    yield Drawing(
        "first_map",
        "statistics",
        "How often each comes first",
        f"Per cent of {draws} in which a network has the best mean. {told}",
        partial(heat_maps.first_map, stability, headings, seen),
        ("stability",),
    )
    yield Drawing(
        "ranking_methods",
        "statistics",
        "Ranks by method of ranking",
        "Rank in Dice by the mean and the median over the groups, by the mean of ranks within each, and by how many "
        f"others a corrected test finds worse (test, then rank). Crossing lines are rankings that hang on it. {told}",
        partial(rank_plots.method_lines, found.dice.methods, seen),
        ("methods",),
    )
    if len(found.dice.replicates) > 1:
        yield Drawing(
            "stability",
            "statistics",
            "Ranks in every fold and seed",
            "Crossing lines are rankings that another split or seed would change.",
            partial(rank_plots.rank_paths, found.dice.replicates, seen),
            ("replicates",),
        )


def _paired(found: Numbers, seen: Mapping[str, Look]) -> Drawing:
    ordered = found.dice.stability.sort_values("rank", kind="stable")["variant"].tolist()
    return Drawing(
        "paired",
        "statistics",
        "Subject by subject",
        "Dice of every subject by the leader (left) and by those that follow (right): blue where the leader is better. "
        "Without one: the mean difference without the one subject that favours the leader most. "
        f"{captions.subjects(found.subjects)}",
        partial(rank_plots.paired_lines, found.subjects, ordered[0], ordered[1 : 1 + PAIRED], seen),
        ("subjects",),
    )
