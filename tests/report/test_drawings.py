import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.runs import write_runs
from builders.scenes import scene
from matplotlib import pyplot as plt

from benchmark.figures.names import NETWORKS as NAMES
from benchmark.figures.style import HEIGHT, MARGIN, NETWORKS, WIDTH, house_style
from benchmark.report.drawings import drawings
from benchmark.report.numbers import compute
from benchmark.runs.evidence import find_runs, gather, write_grid

DRAWN = {
    "boxes", "rank_blobs", "significance_map", "rank_map", "first_map", "ranking_methods", "critical_difference",
    "stability", "paired", "structures", "structure_boxes", "whole_brain", "training", "cost",
}  # fmt: skip


def test_captions_say_over_how_many_and_of_which_seed_and_what_is_incomplete(tmp_path: Path):
    cases = cases_of(6, ("cross_fusion", "unet3d", "vnet"), seeds=(3, 4), skill={"vnet": 0.9})
    write_runs(tmp_path, cases)
    write_grid(tmp_path, [run.record for run in find_runs([tmp_path])])
    shutil.rmtree(tmp_path / "unet3d/fold-1-seed-4")
    (evidence,) = gather([tmp_path])
    made = {one.name: one for one in drawings(evidence, compute(evidence), None)}
    for name in ("boxes", "structures", "structure_boxes", "training"):
        assert "n = " in made[name].caption and "† incomplete." in made[name].caption
    assert "n = 6." in made["cost"].caption
    assert {"volume_correlation", "volume_correlation_cross_fusion", "volume_bland_altman_cross_fusion"} <= set(made)
    assert made["volume_correlation"].caption.startswith("V-Net (Milletari 2016), the highest mean Dice; one point")
    assert "the first, 3, is shown" in made["volume_correlation_cross_fusion"].caption


def test_every_figure_fits_a_page(tmp_path: Path):
    names = list(NETWORKS)
    write_runs(tmp_path / "runs", cases_of(6, names, structures=7))
    (evidence,) = gather([tmp_path / "runs"])
    subject = replace(scene(), spacing=(1.0, 1.0, 1.0), predictions=dict.fromkeys(names, scene().truth))
    with house_style():
        figures = {one.name: one.draw() for one in drawings(evidence, compute(evidence), subject)}
        assert set(figures) >= DRAWN
        for name, figure in figures.items():
            if figure is not None:
                figure.draw_without_rendering()
                box = figure.get_tightbbox()
                assert box.width + 2 * MARGIN <= WIDTH and box.height + 2 * MARGIN <= HEIGHT, name
                plt.close(figure)


def test_pictures_show_networks_in_the_order_of_the_report(tmp_path: Path):
    skill = {"vnet": 0.5, "unet3d": 0.9, "cross_fusion": 0.7}
    write_runs(tmp_path, cases_of(6, tuple(skill), skill=skill))
    (evidence,) = gather([tmp_path])
    found = compute(evidence)
    subject = replace(scene(), predictions=dict.fromkeys(skill, scene().truth))
    with house_style():
        (figure,) = [one.draw() for one in drawings(evidence, found, subject) if one.name == "whole_brain"]
    assert figure is not None
    titles = [axes.get_title().replace("\n", " ") for axes in figure.axes if axes.get_title()]
    assert titles[-3:] == list(found.names.values()) == [NAMES[name] for name in ("unet3d", "cross_fusion", "vnet")]
    plt.close(figure)


def test_every_plot_names_the_tables_that_it_is_drawn_from(tmp_path: Path):
    write_runs(tmp_path, cases_of(12, ("cross_fusion", "unet3d", "vnet"), seeds=(0, 1)))
    (evidence,) = gather([tmp_path])
    found = compute(evidence)
    files = set(found.files())
    for one in drawings(evidence, found, None):
        assert one.numbers and set(one.numbers) <= files, one.name


@pytest.mark.parametrize(("seeds", "said"), [((0,), True), ((0, 1), False)])
def test_with_one_seed_every_caption_with_a_rank_or_p_is_of_these_trained_networks(
    tmp_path: Path, seeds: tuple[int, ...], said: bool
):
    write_runs(tmp_path, cases_of(12, ("cross_fusion", "unet3d", "vnet"), seeds=seeds))
    (evidence,) = gather([tmp_path])
    made = {one.name: one.caption for one in drawings(evidence, compute(evidence), None)}
    for name in ("rank_blobs", "significance_map", "rank_map", "first_map", "ranking_methods", "critical_difference"):
        assert ("of these trained networks" in made[name]) == said, name
        assert ("folds, trainings and subjects" in made["rank_blobs"]) != said


def test_a_p_that_no_test_can_pass_is_in_the_caption_of_the_critical_difference(tmp_path: Path):
    write_runs(tmp_path, cases_of(6, ("cross_fusion", "unet3d", "vnet")))
    (evidence,) = gather([tmp_path])
    made = {one.name: one.caption for one in drawings(evidence, compute(evidence), None)}
    expected = "With 6 subjects and 3 pairs no corrected p can be below 0.094, so nothing can be told apart"
    assert expected in made["critical_difference"] and expected in made["significance_map"]
