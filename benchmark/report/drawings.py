"""All figures of an experiment's report: each is drawn from tables of its numbers, which lie beside it as CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from benchmark.figures import (
    agreement_plots,
    boxes,
    captions,
    cost_plots,
    curves,
    heat_maps,
    ranking,
    robustness_plots,
)
from benchmark.figures.groups import GROUPS, six_structures, stand_ins
from benchmark.figures.names import readable
from benchmark.figures.pictures.panels import whole_brain
from benchmark.figures.pictures.regions import MARGIN_MM, region_slices
from benchmark.figures.pictures.scenes import Scene
from benchmark.figures.pictures.surfaces import region_surfaces
from benchmark.figures.style import Look, looks
from benchmark.report.drawing import Drawing
from benchmark.report.metrics import ALL
from benchmark.report.numbers import Numbers
from benchmark.report.sheets.tuning import trials_of
from benchmark.report.statistics_drawings import statistics_drawings
from benchmark.runs.evidence import Evidence
from benchmark.statistics.consistency import Measured

PAPERS_NETWORK = "cross_fusion"


def drawings(evidence: Evidence, found: Numbers, scene: Scene | None) -> Iterator[Drawing]:
    """All figures for which there is data."""
    networks = {name: network for name, network in evidence.networks.items() if name in found.names}
    given = looks(networks, found.names, evidence.incomplete)
    seen = {name: given[name] for name in found.names}
    yield from _scores(found, seen)
    yield from statistics_drawings(
        found, {name: look for name, look in seen.items() if name not in evidence.incomplete}
    )
    yield from _structures(found, seen)
    yield from _agreement(evidence, found, seen)
    if scene is not None:
        yield from _pictures(_labelled(scene, seen), captions.dagger(seen))
    yield from _training(evidence, found, seen)


def _labelled(scene: Scene, seen: Mapping[str, Look]) -> Scene:
    """The same scene with its predictions in the order of the report, each under its network's label."""
    shown = {variant: look.label.replace(" (", "\n(") for variant, look in seen.items()}
    found = scene.predictions
    return replace(scene, predictions={label: found[variant] for variant, label in shown.items() if variant in found})


def _scores(found: Numbers, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    subjects = f"{captions.subjects(found.subjects)}{captions.dagger(seen)}"
    titles = {name: ALL[name].heading for name in (*found.tested, "hausdorff95_mm")}
    yield Drawing(
        "boxes",
        "comparison",
        "Scores over subjects",
        "Mean over structures of every subject: quartiles, median, whiskers to 1.5 interquartile ranges, points beyond "
        f"(or all, where there are few). Distances are logarithmic above 1 mm. {subjects}",
        partial(boxes.by_variant, found.subjects, titles, seen),
        ("subjects",),
    )
    if len(found.paper["variant"].unique()) > 1:
        yield Drawing(
            "beside_paper",
            "paper",
            "Dice, printed and ours",
            f"The cohorts differ: the order can be compared, the values can't.{captions.dagger(seen)}",
            partial(ranking.beside_paper_plot, found.paper, seen),
            ("paper",),
        )
    if len(found.robustness):
        yield Drawing(
            "robustness",
            "comparison",
            "Robustness to noise and misalignment",
            "Mean over what a network was tested on at every level, with 95 % bootstrap intervals; every network sees "
            f"the same noise and the same displacement of a subject. {_tested(found)}{captions.dagger(seen)}",
            partial(robustness_plots.robustness_curves, found.robustness, seen),
            ("robustness",),
        )


def _tested(found: Numbers) -> str:
    """How many subjects, or their groups, robustness was tested on."""
    fewest, most = int(found.robustness["n"].min()), int(found.robustness["n"].max())
    return f"n = {most if fewest == most else f'{fewest} to {most}'} {found.verdict.basis.unit}."


def _structures(found: Numbers, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    subjects = f"{captions.subjects(found.subjects)}{captions.dagger(seen)}"
    yield Drawing(
        "structures",
        "structures",
        "Dice of every structure",
        f"Mean over subjects, the largest structure first (mean volume of the truth). {subjects}",
        partial(heat_maps.structure_map, found.structures, found.sizes, seen),
        ("structures", "sizes"),
    )
    names = list(found.sizes["structure"])
    yield Drawing(
        "structure_boxes",
        "structures",
        "Dice of the paper's structures",
        " ".join(filter(None, (stand_ins(names), f"Boxes as of the scores over subjects. {subjects}"))),
        partial(boxes.by_structure, found.chosen, six_structures(names), seen),
        ("chosen",),
    )


def _agreement(evidence: Evidence, found: Numbers, seen: Mapping[str, Look]) -> Iterator[Drawing]:
    """Of the leader, and of the paper's network where that is another one."""
    papers = next((name for name in seen if evidence.networks[name] == PAPERS_NETWORK), found.leader)
    shown = {found.leader: ("", "the highest mean Dice")}
    if papers != found.leader:
        shown[papers] = (f"_{papers}", "the paper's network")
    structures = six_structures(list(found.sizes["structure"]))
    for variant, (suffix, why) in shown.items():
        seeds = sorted({run.record.seed for run in evidence.runs if run.record.variant == variant})
        of_seeds = f" Of {len(seeds)} seeds the first, {seeds[0]}, is shown." if len(seeds) > 1 else ""
        for measured in found.measured:
            own = measured.pairs[measured.pairs["variant"] == variant]
            panels = {readable(name): own[own["structure"] == name] for name in structures}
            about = f"{seen[variant].label}, {why}; one point a subject.{of_seeds}"
            told = (stand_ins(list(found.sizes["structure"])), measured.quantity.remark)
            about = " ".join(filter(None, (about, *told)))
            yield from _of_quantity(measured, panels, seen[variant], suffix, about)


def _of_quantity(
    measured: Measured, panels: Mapping[str, pd.DataFrame], look: Look, suffix: str, about: str
) -> Iterator[Drawing]:
    quantity = measured.quantity
    few = f"Below {agreement_plots.FEW} subjects there are points alone."
    yield Drawing(
        f"{quantity.name}_correlation{suffix}",
        "agreement",
        f"{quantity.title}: prediction against truth, {look.label}",
        f"{about} Dashed: identity; line: regression. Pearson's r and ICC(2,1). {few}",
        partial(agreement_plots.correlation, panels, quantity.unit, look.colour),
        (quantity.name,),
    )
    yield Drawing(
        f"{quantity.name}_bland_altman{suffix}",
        "agreement",
        f"{quantity.title}: Bland-Altman, {look.label}",
        f"{about} Prediction minus truth: bias (blue) and 95 % limits of agreement (orange), each with a bracket of "
        f"its 95 % interval; dotted: zero. {few}",
        partial(agreement_plots.bland_altman_plots, panels, quantity.unit, look.colour),
        (quantity.name,),
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
    if len(found.training):
        told = captions.runs(pd.Series([run.record.variant for run in evidence.runs]))
        yield Drawing(
            "training",
            "training",
            "Training",
            f"Mean over folds and seeds; bands show their range. {told}{captions.dagger(seen)}",
            partial(curves.training_curves, found.training, seen),
            ("training",),
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
            ("tuning",),
        )
    if any(cost in found.costs for cost in cost_plots.PANELS) and len(found.costs):
        yield Drawing(
            "cost",
            "training",
            "Accuracy against cost",
            "Complete networks: mean Dice with its 95 % interval. The line joins those that no other one beats for as "
            "little (Pareto front). Minutes are of training with validation, seconds of labelling one test subject: "
            f"medians over runs, on whatever hardware. n = {found.costs['n'].iloc[0]}.",
            partial(cost_plots.accuracy_against_cost, found.costs, seen),
            ("costs",),
        )
