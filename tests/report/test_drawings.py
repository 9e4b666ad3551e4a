import shutil
from dataclasses import replace
from pathlib import Path

from builders.cases import cases_of
from builders.runs import write_runs
from builders.scenes import scene
from matplotlib import pyplot as plt

from benchmark.figures.style import HEIGHT, MARGIN, NETWORKS, WIDTH, house_style
from benchmark.report.drawings import drawings
from benchmark.report.numbers import compute
from benchmark.runs.evidence import find_runs, gather, write_grid


def test_captions_say_over_how_many_and_of_which_seed_and_what_is_incomplete(tmp_path: Path):
    cases = cases_of(6, ("cross_fusion", "unet3d", "vnet"), seeds=(3, 4), skill={"vnet": 0.9})
    write_runs(tmp_path, cases)
    write_grid(tmp_path, [run.record for run in find_runs([tmp_path])])
    shutil.rmtree(tmp_path / "unet3d/fold-1-seed-4")
    (evidence,) = gather([tmp_path])
    made = {one.name: one for one in drawings(evidence, compute(evidence), None)}
    for name in ("boxes", "structures", "training"):
        assert "n = " in made[name].caption and "† incomplete." in made[name].caption
    assert "n = 6." in made["cost"].caption
    assert {"volume_correlation", "volume_correlation_cross_fusion", "volume_bland_altman_cross_fusion"} <= set(made)
    assert made["volume_correlation"].caption.startswith("vnet, the highest mean Dice; one point a subject. Of 2 seeds")
    assert "the first, 3, is shown" in made["volume_correlation_cross_fusion"].caption


def test_agreement_is_drawn_of_structures_with_three_subjects(tmp_path: Path):
    write_runs(tmp_path, cases_of(2))
    (evidence,) = gather([tmp_path])
    assert not any(one.section == "agreement" for one in drawings(evidence, compute(evidence), None))


def test_every_figure_fits_a_page(tmp_path: Path):
    names = list(NETWORKS)
    write_runs(tmp_path / "runs", cases_of(6, names, structures=7))
    (evidence,) = gather([tmp_path / "runs"])
    subject = replace(scene(), spacing=(1.0, 1.0, 1.0), predictions=dict.fromkeys(names, scene().truth))
    with house_style():
        figures = {one.name: one.draw() for one in drawings(evidence, compute(evidence), subject)}
        assert {"boxes", "critical_difference", "stability", "whole_brain", "training", "cost"} <= set(figures)
        for name, figure in figures.items():
            if figure is not None:
                figure.draw_without_rendering()
                box = figure.get_tightbbox()
                assert box.width + 2 * MARGIN <= WIDTH and box.height + 2 * MARGIN <= HEIGHT, name
                plt.close(figure)
