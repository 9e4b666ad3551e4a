from dataclasses import replace

import numpy as np
import pytest
from builders.scenes import scene
from matplotlib import pyplot as plt

from benchmark.figures.groups import GROUPS, six_structures, stand_ins
from benchmark.figures.pictures import slices, surfaces
from benchmark.figures.pictures.panels import largest_structures, middle, stretch, whole_brain
from benchmark.figures.pictures.regions import region_slices, telling_slices
from benchmark.figures.style import house_style
from datamodules.labels.protocol import load_protocol


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
    (position,) = telling_slices(scene(), GROUPS[0])
    assert 14 <= position < 16


def test_a_further_slice_shows_what_the_first_one_misses():
    apart = scene()
    hippocampus = apart.protocol.names.index("Left-Hippocampus")
    apart.truth[:, 12:16] = np.where(apart.truth[:, 12:16] == hippocampus, 0, apart.truth[:, 12:16])
    first, second = telling_slices(apart, GROUPS[0])
    assert {14 <= first < 18, 14 <= second < 18} == {True, False}
    with house_style():
        figure = region_slices(apart, GROUPS[0])
    assert len(figure.axes) == 2 * len(apart.label_maps)
    plt.close(figure)


def test_pictures_say_which_side_is_left():
    with house_style():
        figure = whole_brain(scene())
    assert [text.get_text() for text in figure.axes[0].texts] == ["L", "R"]
    assert [text.get_text() for text in figure.axes[2].texts] == ["P", "A"]
    plt.close(figure)


def test_the_key_names_what_the_slices_show_most_of():
    named = largest_structures(scene(), {"axial": 7, "coronal": 15, "sagittal": 7})
    assert list(named) == ["Cerebral-White-Matter", "Hippocampus", "Putamen"]
    assert "Hippocampus" not in largest_structures(scene(), {"axial": 10, "coronal": 18, "sagittal": 15})


def test_sides_of_different_colours_are_each_named():
    seen = scene()
    left, right = (seen.protocol.names.index(f"{side}-Hippocampus") for side in ("Left", "Right"))
    seen.truth[8:] = np.where(seen.truth[8:] == left, right, seen.truth[8:])
    structures = list(seen.protocol.structures)
    structures[right] = replace(structures[right], colour=(1, 2, 3))
    other = replace(seen, protocol=replace(seen.protocol, structures=tuple(structures)))
    middles = {"axial": 7, "coronal": 10, "sagittal": 9}
    assert {"Left-Hippocampus", "Right-Hippocampus"} <= set(largest_structures(other, middles))
    assert largest_structures(other, middles)["Right-Hippocampus"] == "#010203"
    assert "Hippocampus" in largest_structures(seen, middles)


def test_images_say_which_part_of_the_stored_range_is_shown():
    dim = scene()
    dim = replace(dim, images={"pet": dim.images["pet"] * np.float32(7e-6), "mr": dim.images["mr"]})
    with house_style():
        figure = whole_brain(dim)
    titles = [axes.get_title() for axes in figure.axes]
    assert {"PET 0 to 7e-06", "MR 0 to 1"} <= set(titles)
    plt.close(figure)


def test_a_surface_encloses_the_volume_of_its_mask_in_mm():
    points = np.stack(np.meshgrid(np.arange(40), np.arange(40), 2 * np.arange(20), indexing="ij"))
    mask = ((points - 20) ** 2).sum(0) < 12**2
    triangles = surfaces.surface(mask, np.array([1.0, 1.0, 2.0]))
    volume = abs(np.einsum("ti,ti->t", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6)
    assert volume == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.05)


def test_a_surface_in_coarse_cells_encloses_the_same_volume():
    points = np.stack(np.meshgrid(*[np.arange(60)] * 3, indexing="ij"))
    triangles = surfaces.surface(((points - 30) ** 2).sum(0) < 24**2, np.ones(3), step=3)
    volume = abs(np.einsum("ti,ti->t", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6)
    assert volume == pytest.approx(4 / 3 * np.pi * 24**3, rel=0.05)


def test_a_panel_without_surfaces_says_so():
    one = scene()
    with house_style():
        figure = surfaces.region_surfaces(replace(one, predictions={"net": np.zeros_like(one.truth)}), GROUPS[0])
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [[], ["none predicted"]]
    plt.close(figure)


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
    assert [title for title in titles if title] == ["PET 0 to 1", "MR 0 to 1", "truth", *scene(variants).predictions]
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


def test_what_stands_for_the_papers_structures_is_said_and_what_holds_none_is_left_out():
    coarse = list(load_protocol("coarse9").names[1:])
    assert "Cortex" not in six_structures(coarse)
    assert "Hippocampus and Amygdala stands for the paper's Left Hippocampus and Left Amygdala" in stand_ins(coarse)
    assert stand_ins(list(load_protocol("aseg45").names[1:])) == ""
    assert "nothing holds its Brain Stem" in stand_ins(["Left-Amygdala", "Thalamus"])
    assert stand_ins(["Skin"]) == "None of the paper's structures is among them."
