"""All figures of an experiment's report."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from benchmark.figures import (
    agreement_plots,
    boxes,
    captions,
    cost_plots,
    curves,
    ranking,
    robustness_plots,
)
from benchmark.figures.groups import GROUPS, six_structures
from benchmark.figures.panels import whole_brain
from benchmark.figures.regions import MARGIN_MM, region_slices
from benchmark.figures.scenes import Scene
from benchmark.figures.style import Look, house_style, looks, save
from benchmark.figures.surfaces import region_surfaces
from benchmark.report.facts import read_costs
from benchmark.report.further.tuning import trials_of
from benchmark.report.numbers import Numbers
from benchmark.runs.evidence import Evidence
from benchmark.statistics.consistency import Quantity, quantities
from benchmark.statistics.tables import internal

Draw = Callable[[], Figure | None]
PAPERS_NETWORK = "cross_fusion"


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
    cases = internal(evidence.cases)
    there = set(cases["variant"])
    seen = {name: look for name, look in looks(evidence.networks, evidence.incomplete).items() if name in there}
    yield Drawing(
        "boxes",
        "comparison",
        "Scores over subjects",
        "Mean over structures of every subject: quartiles, median, whiskers to 1.5 interquartile ranges, points beyond "
        "(or all, where there are few). Distances are logarithmic above 1 mm. "
        f"{captions.subjects(cases)}{captions.dagger(seen)}",
        partial(boxes.by_variant, cases, seen),
    )
    if len(found.paper["variant"].unique()) > 1:
        yield Drawing(
            "beside_paper",
            "paper",
            "Dice, printed and ours",
            f"The cohorts differ: the order can be compared, the values can't.{captions.dagger(seen)}",
            partial(ranking.beside_paper_plot, found.paper, seen),
        )
    yield from _statistics(found, seen)
    if len(found.robustness):
        yield Drawing(
            "robustness",
            "comparison",
            "Robustness to noise and misalignment",
            "Mean over subjects, bands are 95 % bootstrap intervals; every network sees the same noise and the same "
            f"displacement of a subject. {captions.subjects(cases)}{captions.dagger(seen)}",
            partial(robustness_plots.robustness_curves, found.robustness, seen),
        )
    yield from _structures(cases, seen)
    yield from _agreement(evidence, found, cases, seen)
    if scene is not None:
        labelled = {seen[variant].label: labels for variant, labels in scene.predictions.items()}
        yield from _pictures(replace(scene, predictions=labelled), captions.dagger(seen))
    yield from _training(evidence, found, seen)


def _statistics(found: Numbers, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    subjects = len(found.dice.scores.dropna())
    if found.dice.scores.shape[1] > 2 and subjects > 1:
        mean_ranks = found.dice.intervals.set_index("variant")["mean_rank"]
        yield Drawing(
            "critical_difference",
            "statistics",
            "Mean ranks",
            "Rank by Dice within each subject, 1 the best. A bar joins networks that the Holm-corrected signed-rank "
            "tests don't tell apart at 5 %. The ruler is Nemenyi's critical difference: by that test, which looks at "
            f"ranks alone, mean ranks differ if they lie farther apart. n = {subjects}.",
            partial(ranking.critical_difference_diagram, mean_ranks, found.dice.tests, subjects, seen),
        )
    if found.dice.scores.shape[1] > 1 and len(found.dice.replicates) > 1:
        yield Drawing(
            "stability",
            "statistics",
            "Ranks in every fold and seed",
            "Crossing lines are rankings that another split or seed would change.",
            partial(ranking.rank_paths, found.dice.replicates, seen),
        )


def _structures(cases: pd.DataFrame, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    names = list(dict.fromkeys(cases["structure"]))
    sides = boxes.beside_each_other(names)
    parts = {
        "structures_sides": ("Dice of structures on the left and right", sides),
        "structures": (f"Dice of {'all other' if sides else 'all'} structures", boxes.in_the_middle(names)),
    }
    for name, (title, columns) in parts.items():
        if columns:
            caption = (
                f"Boxes as above, over subjects; dots are outliers. {captions.subjects(cases)}{captions.dagger(seen)}"
            )
            yield Drawing(name, "structures", title, caption, partial(boxes.by_structure, cases, columns, seen))


def _agreement(evidence: Evidence, found: Numbers, cases: pd.DataFrame, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    """Of the leader, and of the paper's network where that is another one."""
    papers = next((name for name in seen if evidence.networks[name] == PAPERS_NETWORK), found.leader)
    shown = {found.leader: ("", "the highest mean Dice")}
    if papers != found.leader:
        shown[papers] = (f"_{papers}", "the paper's network")
    for variant, (suffix, why) in shown.items():
        own = cases[cases["variant"] == variant]
        seeds = sorted(own["seed"].unique())
        of_seeds = f" Of {len(seeds)} seeds the first, {seeds[0]}, is shown." if len(seeds) > 1 else ""
        about = f"{seen[variant].label}, {why}; one point a subject.{of_seeds}"
        for quantity in quantities(own):
            told = found.consistency.query("variant == @variant and quantity == @quantity.name")
            structures = six_structures(list(told.loc[told["n"] >= agreement_plots.LEAST, "structure"]))
            if structures:
                yield from _of_quantity(own, quantity, structures, seen[variant], suffix, about)


def _of_quantity(
    own: pd.DataFrame, quantity: Quantity, structures: tuple[str, ...], look: Look, suffix: str, about: str
) -> Iterator[Drawing]:
    yield Drawing(
        f"{quantity.name}_correlation{suffix}",
        "agreement",
        f"{quantity.title}: prediction against truth, {look.label}",
        f"{about} Dashed: identity; line: regression. Pearson's r and ICC(2,1).",
        partial(agreement_plots.correlation, own, quantity, structures, look.colour),
    )
    yield Drawing(
        f"{quantity.name}_bland_altman{suffix}",
        "agreement",
        f"{quantity.title}: Bland-Altman, {look.label}",
        f"{about} Prediction minus truth: bias, 95 % limits of agreement, and their 95 % intervals as bands.",
        partial(agreement_plots.bland_altman_plots, own, quantity, structures, look.colour),
    )


def _pictures(scene: Scene, dagger: str) -> Iterator[Drawing]:
    about = f"Subject {scene.subject}, the median of all by mean Dice; the subject's left (L) is on the left.{dagger}"
    cropped = f"What a network finds farther than {MARGIN_MM:g} mm from them isn't shown."
    yield Drawing(
        "whole_brain",
        "pictures",
        "Whole brain",
        f"{about} The key names the structures that cover most of these slices.",
        partial(whole_brain, scene),
    )
    for group in GROUPS:
        yield Drawing(
            f"{group.name}_slices",
            "pictures",
            group.title,
            f"The {group.view} slice that cuts its structures widest in the truth; a further row shows those that it "
            f"misses. {cropped} {about}",
            partial(region_slices, scene, group),
        )
        yield Drawing(
            f"{group.name}_surfaces",
            "pictures",
            f"{group.title} in three dimensions",
            f"Marching cubes, seen from the front: the subject's left is on the right. {cropped} "
            f"Subject {scene.subject}.{dagger}",
            partial(region_surfaces, scene, group),
        )


def _training(evidence: Evidence, found: Numbers, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    logs = [curves.read_log(run.folder).assign(variant=run.record.variant) for run in evidence.runs]
    if any(len(log) for log in logs):
        told = captions.runs(pd.Series([run.record.variant for run in evidence.runs]))
        yield Drawing(
            "training",
            "training",
            "Training",
            f"Mean over folds and seeds; bands show their range. {told}{captions.dagger(seen)}",
            partial(curves.training_curves, pd.concat([log for log in logs if len(log)]), seen),
        )
    trials = trials_of(evidence)
    if len(trials):
        yield Drawing(
            "tuning",
            "training",
            "Sensitivity to the learning rate",
            "Best validation Dice of every trial: filled where it was trained to the end, ringed where it was chosen, "
            f"crossed where it has the experiment's own settings.{captions.dagger(seen)}",
            partial(curves.against_learning_rate, trials, seen),
        )
    intervals = found.dice.intervals.rename(columns={"mean": "dice"})[["variant", "n", "dice", "low", "high"]]
    costs = read_costs(evidence).merge(intervals, on="variant").dropna(subset=["dice"])
    if len(costs):
        yield Drawing(
            "cost",
            "training",
            "Accuracy against cost",
            "Complete networks: mean Dice with its 95 % interval. Minutes are of training with validation, seconds "
            f"of labelling one test subject: medians over runs, on whatever hardware. n = {costs['n'].iloc[0]}.",
            partial(cost_plots.accuracy_against_cost, costs, seen),
        )
