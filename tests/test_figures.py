from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases_builder import cases_of
from matplotlib import pyplot as plt

from benchmark.figures import boxes, curves, ranking, slices, surfaces
from benchmark.figures.groups import GROUPS, six_structures
from benchmark.figures.panels import middle, stretch, whole_brain
from benchmark.figures.regions import region_slices, telling_slice
from benchmark.figures.scenes import Scene
from benchmark.figures.style import NETWORK_COLOURS, house_style, palette, save
from benchmark.run_folder import RunFolder
from datamodules.structures import load_protocol

CASES = cases_of(subjects=8)
COLOURS = {"cross_fusion": "#882255", "unet3d": "#cc6677"}


def scene(variants: int = 2, protocol: str = "aseg45") -> Scene:
    """A cube with a putamen in front of a hippocampus."""
    known = load_protocol(protocol)
    truth = np.zeros((20, 24, 16), np.uint8)
    truth[4:16, 4:20, 4:12] = known.names.index("Left-Cerebral-White-Matter")
    truth[6:10, 14:18, 6:10] = known.names.index("Left-Putamen")
    truth[6:10, 6:16, 6:9] = known.names.index("Left-Hippocampus")
    image = np.random.default_rng(0).random(truth.shape, np.float32)
    predictions = {f"net{index}": np.roll(truth, index, 0) for index in range(variants)}
    return Scene("s1", {"pet": image, "mr": image}, truth, predictions, (1.0, 2.0, 3.0), known)


def test_networks_keep_their_colour_in_every_experiment():
    assert palette({"a": "unet3d", "b": "vnet"})["a"] == palette({"unet3d": "unet3d"})["unet3d"]


def test_variants_of_one_network_are_told_apart():
    variants = {f"fusion{index}": "cross_fusion" for index in range(6)}
    colours = palette(variants)
    assert colours["fusion0"] == NETWORK_COLOURS["cross_fusion"]
    assert len(set(colours.values())) == 6


def test_a_slice_has_the_left_on_the_left_and_up_is_up():
    volume = np.zeros((4, 5, 6), np.uint8)
    volume[0, 0, 5] = 1  # left, behind, above
    coronal = slices.cut(volume, "coronal", 0)
    assert coronal.shape == (6, 4)
    assert coronal[5, 0] == 1


def test_a_pixel_is_as_tall_as_its_voxel():
    assert slices.aspect((1.0, 2.0, 3.0), "coronal") == 3.0
    assert slices.aspect((1.0, 2.0, 3.0), "sagittal") == 1.5


def test_an_overlay_paints_structures_and_leaves_the_rest_grey():
    colours = np.array([[np.nan] * 3, [1, 0, 0]], np.float32)
    picture = slices.overlay(np.array([[0.5, 0.5]], np.float32), np.array([[0, 1]], np.uint8), colours, 0.5)
    np.testing.assert_allclose(picture[0], [[0.5, 0.5, 0.5], [0.75, 0.25, 0.25]])


def test_the_middle_halves_the_labelled_voxels():
    labels = np.zeros((10, 3, 3), np.uint8)
    labels[2:9] = 1
    assert middle(labels, 0) == 5


def test_images_are_stretched_to_white_whatever_their_scale():
    assert stretch(np.linspace(0, 0.01, 1000, dtype=np.float32).reshape(10, 10, 10)).max() == 1
    assert not stretch(np.zeros((4, 4, 4), np.float32)).any()


def test_the_telling_slice_cuts_all_structures_of_the_group_not_the_largest_alone():
    assert 14 <= telling_slice(scene(), GROUPS[0]) < 16


def test_a_surface_encloses_the_volume_of_its_mask_in_mm():
    points = np.stack(np.meshgrid(np.arange(40), np.arange(40), 2 * np.arange(20), indexing="ij"))
    mask = ((points - 20) ** 2).sum(0) < 12**2
    triangles = surfaces.surface(mask, np.array([1.0, 1.0, 2.0]))
    volume = abs(np.einsum("ti,ti->t", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6)
    assert volume == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.05)


def test_a_single_voxel_has_a_surface_and_an_empty_mask_has_none():
    lone = np.zeros((5, 5, 5), bool)
    assert surfaces.surface(lone, np.ones(3)).shape == (0, 3, 3)
    lone[2, 2, 2] = True
    assert len(surfaces.surface(lone, np.ones(3))) > 0


def test_surfaces_are_seen_from_the_front_and_above():
    corners = {"left": [-1, 0, 0], "front": [0, 1, 0], "above": [0, 0, 1], "centre": [0, 0, 0]}
    flat, depth = surfaces.project(np.array([[point] * 3 for point in corners.values()], float))
    place = dict(zip(corners, flat[:, 0], strict=True))
    far = dict(zip(corners, depth, strict=True))
    assert place["left"][0] > place["centre"][0]  # who faces us has the left on our right
    assert place["above"][1] > place["centre"][1]
    assert far["front"] < far["centre"] and far["above"] < far["centre"]


@pytest.mark.parametrize("variants", [0, 1, 9])
def test_whole_brain_shows_images_truth_and_every_network_in_three_views(variants: int):
    with house_style():
        figure = whole_brain(scene(variants))
    titles = [axes.get_title("center") for axes in figure.axes]
    assert len(figure.axes) == 3 * (3 + variants)
    assert [title for title in titles if title] == ["PET", "MR", "truth", *scene(variants).predictions]
    plt.close(figure)


@pytest.mark.parametrize("draw", [region_slices, surfaces.region_surfaces])
def test_regions_show_truth_and_every_network_and_nothing_where_there_is_no_region(draw):
    with house_style():
        figure = draw(scene(), GROUPS[0])
    assert [axes.get_title("center") for axes in figure.axes] == ["truth", "net0", "net1"]
    assert draw(scene(), GROUPS[1]) is None
    plt.close(figure)


@pytest.mark.parametrize("protocol", ["aseg45", "synthseg32", "coarse9"])
def test_every_protocol_has_the_structures_of_the_papers_figures(protocol: str):
    known = load_protocol(protocol)
    assert all(group.classes(known) for group in GROUPS)
    assert len(six_structures(list(known.names[1:]))) >= 5


def test_the_papers_six_structures_are_found_by_name():
    assert six_structures(list(load_protocol("aseg45").names)) == (
        "Brain-Stem",
        "Left-Hippocampus",
        "Left-Amygdala",
        "Right-Cerebral-White-Matter",
        "Right-Lateral-Ventricle",
        "Right-Thalamus",
    )


def test_box_plots_have_a_panel_for_every_metric_and_a_row_for_every_variant():
    with house_style():
        figure = boxes.by_variant(CASES, COLOURS)
    assert [axes.get_title("left") for axes in figure.axes] == list(boxes.PANELS.values())
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(COLOURS)
    plt.close(figure)


def test_a_box_spans_the_quartiles():
    with house_style():
        figure = boxes.by_variant(CASES, COLOURS)
    scores = CASES[CASES["variant"] == "cross_fusion"].groupby("subject")["dice"].mean()
    (box, _) = figure.axes[0].patches
    assert [box.get_x(), box.get_x() + box.get_width()] == pytest.approx(list(scores.quantile([0.25, 0.75])))
    plt.close(figure)


def test_a_resumed_run_has_one_curve(tmp_path: Path):
    for version, epochs in ((0, [0, 1, 2]), (1, [2, 3])):
        file = tmp_path / f"log/version_{version}/metrics.csv"
        file.parent.mkdir(parents=True)
        pd.DataFrame({"epoch": epochs, "train/loss": float(version), "val/dice": np.nan}).to_csv(file, index=False)
    assert curves.read_log(RunFolder(tmp_path))["train/loss"].tolist() == [0, 0, 1, 1]


def test_what_could_not_be_tested_is_not_told_apart():
    tests = pd.DataFrame({"first": ["a", "a"], "second": ["b", "c"], "p_holm": [np.nan, 0.01]})
    matrix = ranking.p_matrix(tests, ["a", "b", "c"])
    assert matrix.loc["a", "b"] == 1.0
    assert matrix.loc["c", "a"] == 0.01


def test_a_figure_is_written_twice_as_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        with house_style():
            save(boxes.by_variant(CASES, COLOURS), tmp_path / name)
    for suffix in (".png", ".pdf"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
