"""All figures of an experiment's report."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from benchmark.consistency import quantities
from benchmark.evidence import Evidence
from benchmark.figures import agreement_plots, boxes, cost_plots, curves, noise_plots, ranking
from benchmark.figures.groups import GROUPS, six_structures
from benchmark.figures.panels import whole_brain
from benchmark.figures.regions import region_slices
from benchmark.figures.scenes import Scene
from benchmark.figures.style import house_style, markers, palette, save
from benchmark.figures.surfaces import region_surfaces
from benchmark.report.facts import read_costs
from benchmark.report.numbers import Numbers
from benchmark.tables import internal

Draw = Callable[[], Figure | None]


@dataclass(frozen=True)
class Drawing:
    """A figure that may be drawn.

    Attributes:
        name: Of its files.
        section: Of the page.
        title: Above it.
        caption: Below it.
        draw: Draws it; None where there is nothing to see.
    """

    name: str
    section: str
    title: str
    caption: str
    draw: Draw


@dataclass(frozen=True)
class Picture:
    """A figure on disk, with what a `Drawing` says of it."""

    name: str
    section: str
    title: str
    caption: str
    png: Path


def draw_all(evidence: Evidence, found: Numbers, scene: Scene | None, folder: Path) -> tuple[Picture, ...]:
    """Draw everything that the evidence allows into a folder, as PNG and PDF."""
    pictures = []
    with house_style():
        for drawing in drawings(evidence, found, scene):
            figure = drawing.draw()
            if figure is not None:
                png = save(figure, folder / drawing.name)
                pictures.append(Picture(drawing.name, drawing.section, drawing.title, drawing.caption, png))
    return tuple(pictures)


def drawings(evidence: Evidence, found: Numbers, scene: Scene | None) -> Iterator[Drawing]:
    """All figures for which there is data."""
    colours, shapes = palette(evidence.networks), markers(evidence.networks)
    counted = {name: colour for name, colour in colours.items() if name in set(evidence.cases["variant"])}
    cases = internal(evidence.cases)
    yield Drawing(
        "boxes",
        "comparison",
        "Scores over subjects",
        "Mean over structures of every subject: quartiles, median, whiskers to 1.5 interquartile ranges.",
        partial(boxes.by_variant, cases, counted),
    )
    if len(found.paper["variant"].unique()) > 1:
        yield Drawing(
            "beside_paper",
            "paper",
            "Dice, printed and ours",
            "The cohorts differ: the order can be compared, the values can't.",
            partial(ranking.beside_paper_plot, found.paper, colours),
        )
    yield from _statistics(found, colours, shapes)
    if len(found.noise):
        yield Drawing(
            "noise",
            "comparison",
            "Robustness to PET noise",
            "Mean over subjects and its standard error.",
            partial(noise_plots.noise_robustness, found.noise, colours, shapes),
        )
    yield Drawing(
        "structures",
        "structures",
        "Dice of every structure",
        "Over subjects; dots are outliers.",
        partial(boxes.by_structure, cases, counted),
    )
    yield from _agreement(found, cases, colours)
    if scene is not None:
        yield from _pictures(scene)
    yield from _training(evidence, found, counted, shapes)


def _statistics(found: Numbers, colours: Mapping[str, str], shapes: Mapping[str, str]) -> Iterator[Drawing]:
    if found.scores.shape[1] > 2 and len(found.scores.dropna()) > 1:
        mean_ranks = found.intervals.set_index("variant")["mean_rank"]
        yield Drawing(
            "critical_difference",
            "statistics",
            "Mean ranks",
            "Rank by Dice within each subject, 1 the best. A bar joins networks that the Holm-corrected signed-rank "
            "tests don't tell apart at 5 %.",
            partial(ranking.critical_difference_diagram, mean_ranks, found.tests, colours),
        )
    if found.scores.shape[1] > 1 and len(found.replicates) > 1:
        yield Drawing(
            "stability",
            "statistics",
            "Ranks in every fold and seed",
            "Crossing lines are rankings that another split or seed would change.",
            partial(ranking.rank_paths, found.replicates, colours, shapes),
        )


def _agreement(found: Numbers, cases: pd.DataFrame, colours: Mapping[str, str]) -> Iterator[Drawing]:
    variant = found.leader
    own = cases[cases["variant"] == variant]
    about = f"{variant}, the highest mean Dice; one point a subject."
    for quantity in quantities(own):
        measured = found.consistency.query("variant == @variant and quantity == @quantity.name")["structure"]
        structures = six_structures(list(measured))
        if not structures:
            continue
        yield Drawing(
            f"{quantity.name}_correlation",
            "agreement",
            f"{quantity.title}: prediction against truth",
            f"{about} Dashed: identity. Pearson's r and ICC(2,1).",
            partial(agreement_plots.correlation, own, quantity, structures, colours[variant]),
        )
        yield Drawing(
            f"{quantity.name}_bland_altman",
            "agreement",
            f"{quantity.title}: Bland-Altman",
            f"{about} Prediction minus truth: bias, 95 % limits of agreement, and their 95 % intervals as bands.",
            partial(agreement_plots.bland_altman_plots, own, quantity, structures, colours[variant]),
        )


def _pictures(scene: Scene) -> Iterator[Drawing]:
    about = f"Subject {scene.subject}, the median of all by mean Dice; the subject's left is on the left."
    yield Drawing("whole_brain", "pictures", "Whole brain", about, partial(whole_brain, scene))
    for group in GROUPS:
        slices = f"The {group.view} slice that cuts its structures widest in the truth. {about}"
        yield Drawing(
            f"{group.name}_slices",
            "pictures",
            group.title,
            slices,
            partial(region_slices, scene, group),
        )
        yield Drawing(
            f"{group.name}_surfaces",
            "pictures",
            f"{group.title} in three dimensions",
            f"Marching cubes, seen from the front: the subject's left is on the right. Subject {scene.subject}.",
            partial(region_surfaces, scene, group),
        )


def _training(
    evidence: Evidence, found: Numbers, colours: Mapping[str, str], shapes: Mapping[str, str]
) -> Iterator[Drawing]:
    logs = [curves.read_log(run.folder).assign(variant=run.record.variant) for run in evidence.runs]
    if any(len(log) for log in logs):
        yield Drawing(
            "training",
            "training",
            "Training",
            "Mean over folds and seeds; bands show their range.",
            partial(curves.training_curves, pd.concat([log for log in logs if len(log)]), colours),
        )
    intervals = found.intervals.rename(columns={"mean": "dice"})[["variant", "dice", "low", "high"]]
    costs = read_costs(evidence).merge(intervals, on="variant").dropna(subset=["dice"])
    if len(costs):
        yield Drawing(
            "cost",
            "training",
            "Accuracy against cost",
            "Mean Dice with its 95 % interval; minutes are of training, testing and scoring, median over runs.",
            partial(cost_plots.accuracy_against_cost, costs, colours, shapes),
        )
