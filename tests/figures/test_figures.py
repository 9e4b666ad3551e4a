from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from benchmark.figures import agreement_plots, boxes, cost_plots, curves, ranking, robustness_plots
from benchmark.figures.style import HEIGHT, NETWORKS, OTHERS, WIDTH, house_style, looks, save
from benchmark.runs.folder import RunFolder
from benchmark.statistics.consistency import VOLUME
from benchmark.statistics.significance import critical_difference
from datamodules.labels.protocol import load_protocol

CASES = cases_of(subjects=8)
LOOKS = looks({"cross_fusion": "cross_fusion", "unet3d": "unet3d"})


def contrast(colour: str) -> float:
    """Against white, as WCAG defines it."""
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 1.05 / (float(np.dot(light, [0.2126, 0.7152, 0.0722])) + 0.05)


def test_networks_keep_their_look_in_every_experiment():
    assert looks({"vnet": "vnet", "a": "unet3d"})["a"].marker == looks({"unet3d": "unet3d"})["unet3d"].marker
    assert looks({"vnet": "vnet", "a": "unet3d"})["a"].colour == looks({"unet3d": "unet3d"})["unet3d"].colour


def test_variants_of_one_network_are_told_apart_and_borrow_no_other_networks_look():
    seen = looks({f"fusion{index}": "cross_fusion" for index in range(7)} | {"own": "somebodys.Network"})
    assert (seen["fusion0"].colour, seen["fusion0"].marker) == NETWORKS["cross_fusion"]
    colours = [look.colour for look in seen.values()]
    assert len(set(colours)) == 8
    assert not set(colours[1:]) & {colour for colour, _ in NETWORKS.values()}


def test_every_look_is_seen_on_white_and_no_two_networks_share_a_marker():
    assert all(contrast(colour) > 3 for colour, _ in (*NETWORKS.values(), *OTHERS))
    assert len({marker for _, marker in NETWORKS.values()}) == len(NETWORKS)


def test_an_incomplete_variant_has_a_dagger_in_its_label():
    seen = looks({"vnet": "vnet", "unet3d": "unet3d"}, {"vnet": "4 of 5 runs"})
    assert [look.label for look in seen.values()] == ["vnet †", "unet3d"]


def test_box_plots_have_a_panel_for_every_metric_and_a_row_for_every_variant():
    with house_style():
        figure = boxes.by_variant(CASES, LOOKS)
    assert [axes.get_title("left") for axes in figure.axes] == list(boxes.PANELS.values())
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(LOOKS)
    plt.close(figure)


def test_a_box_spans_the_quartiles():
    with house_style():
        figure = boxes.by_variant(CASES, LOOKS)
    scores = CASES[CASES["variant"] == "cross_fusion"].groupby("subject")["dice"].mean()
    box = figure.axes[0].patches[0].get_path().get_extents()
    assert [box.x0, box.x1] == pytest.approx(list(scores.quantile([0.25, 0.75])))
    plt.close(figure)


def test_a_network_that_finds_nothing_has_a_median_that_is_seen():
    failed = CASES.assign(dice=CASES["dice"].where(CASES["variant"] != "unet3d", 0.0))
    with house_style():
        figure = boxes.by_variant(failed, LOOKS)
    axes = figure.axes[0]
    medians = [line for line in axes.lines if set(line.get_xdata()) == {0.0} and len(line.get_xdata()) == 2]
    assert any(contrast(line.get_color()) > 10 and line.get_linewidth() > 1 for line in medians)
    assert axes.get_xlim()[0] < 0
    plt.close(figure)


def test_a_missed_structure_does_not_flatten_the_other_distances():
    far = CASES.assign(hausdorff_mm=np.where(CASES.index == 0, 300.0, CASES["hausdorff_mm"]))
    with house_style():
        figure = boxes.by_variant(far, LOOKS)
    axes = figure.axes[list(boxes.PANELS).index("hausdorff_mm")]
    (near, middle, end), _ = axes.transData.transform([(1, 0), (10, 0), (100, 0)]).T
    assert middle - near == pytest.approx(end - middle, rel=0.1)
    plt.close(figure)


def test_structures_stand_beside_their_other_side_and_every_one_once():
    names = list(load_protocol("aseg45").names[1:])
    left, right = boxes.beside_each_other(names)
    assert [name.removeprefix("Left-") for name in left] == [name.removeprefix("Right-") for name in right]
    rest = [name for column in boxes.in_the_middle(names) for name in column]
    assert sorted(left + right + rest) == sorted(names)
    assert boxes.beside_each_other(["Cortex"]) == []


def test_boxes_of_all_structures_and_networks_fit_a_page():
    names = list(load_protocol("aseg45").names[1:])
    cases = cases_of(4, list(NETWORKS), len(names))
    cases = cases.assign(structure=cases["label"].map(dict(enumerate(names, start=1))))
    seen = looks({name: name for name in NETWORKS})
    with house_style():
        figure = boxes.by_structure(cases, boxes.beside_each_other(names), seen)
    assert figure.get_figwidth() <= WIDTH and figure.get_figheight() <= HEIGHT
    assert {label.get_fontsize() for label in figure.axes[0].get_yticklabels()} == {7.0}
    plt.close(figure)


def test_no_curve_leaves_its_panel_and_epochs_are_whole():
    epochs = [0, 1, 2]
    logs = [
        pd.DataFrame({"epoch": epochs, "train/loss": 1.0, "val/dice": dice, "variant": variant})
        for variant, dice in (("cross_fusion", 0.2), ("unet3d", 0.9))
    ]
    with house_style():
        figure = curves.training_curves(pd.concat(logs), LOOKS)
    loss, dice = figure.axes
    assert dice.get_ylim()[0] == 0 and dice.get_ylim()[1] > 0.9
    assert all(float(tick).is_integer() for tick in loss.get_xticks())
    assert [line.get_marker() for line in dice.lines] == [look.marker for look in LOOKS.values()]
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


def test_the_ruler_is_as_long_as_nemenyis_critical_difference():
    names = {name: name for name in ("vnet", "unet3d", "unetr")}
    tests = pd.DataFrame({"first": ["vnet"], "second": ["unetr"], "p_holm": [0.01]})
    with house_style():
        figure = ranking.critical_difference_diagram(
            pd.Series([1.2, 1.9, 2.9], index=list(names)), tests, 30, looks(names)
        )
    (axes,) = figure.axes
    (ruler,) = [line for line in axes.lines if line.get_marker() == "|"]
    assert np.ptp(ruler.get_xdata()) == pytest.approx(critical_difference(3, 30))
    assert f"CD = {critical_difference(3, 30):.2f}" in {text.get_text() for text in axes.texts}
    plt.close(figure)


def test_replicates_are_told_apart_and_ties_share_a_label():
    table = pd.DataFrame({"cross_fusion": 1.5, "unet3d": 1.5}, index=[f"fold {k}, seed {k % 3}" for k in range(15)])
    with house_style():
        figure = ranking.rank_paths(table, LOOKS)
        figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes_of_labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes_of_labels))
    assert axes.get_xticklabels()[4].get_text() == "4/1"
    assert [text.get_text() for text in axes.texts] == ["cross_fusion, unet3d"]
    plt.close(figure)


def test_correlation_has_the_same_scale_on_both_axes_and_says_n():
    with house_style():
        figure = agreement_plots.correlation(CASES[CASES["variant"] == "unet3d"], VOLUME, ["Structure-00"], "#882255")
    (axes,) = figure.axes
    assert axes.get_xlim() == axes.get_ylim() and axes.get_aspect() == 1
    assert axes.get_title("left") == "Structure 00 (n = 8)"
    identity = next(line for line in axes.lines if line.get_linestyle() == "--")
    assert list(identity.get_xdata()) == list(identity.get_ydata()) == list(axes.get_xlim())
    assert len(axes.lines) == 2  # the other is the regression
    plt.close(figure)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_limits_of_agreement_never_print_over_one_another(spread: float):
    cases = CASES[CASES["variant"] == "unet3d"]
    cases = cases.assign(prediction_ml=cases["truth_ml"] + spread * (cases["prediction_ml"] - cases["truth_ml"]))
    with house_style():
        figure = agreement_plots.bland_altman_plots(cases, VOLUME, ["Structure-00"], "#882255")
        figure.draw_without_rendering()
    low, bias, high = (text.get_window_extent() for text in figure.axes[0].texts)
    assert low.y1 < bias.y0 and bias.y1 < high.y0
    plt.close(figure)


def test_legends_fit_inside_the_figure():
    names = {name: name for name in NETWORKS}
    seen = looks(names, names)
    costs = pd.DataFrame({"variant": list(names), "dice": 0.5, "low": 0.4, "high": 0.6, "minutes": 1.0})
    levels = {"condition": "noise", "level": 0.1, "n": 4, "mean": 0.5, "low": 0.4, "high": 0.6}
    noise = pd.DataFrame({"variant": list(names), **levels})
    with house_style():
        drawn = [cost_plots.accuracy_against_cost(costs, seen), robustness_plots.robustness_curves(noise, seen)]
        for figure in drawn:
            (legend,) = figure.legends
            figure.draw_without_rendering()
            assert legend.get_window_extent().x0 >= 0
            assert legend.get_window_extent().x1 <= figure.bbox.x1
            assert {text.get_text() for text in legend.get_texts()} == {look.label for look in seen.values()}
            plt.close(figure)


def test_every_condition_has_a_panel_with_the_interval_as_a_band_and_only_its_own_variants():
    curve = {"condition": "noise", "level": [0.0, 0.2], "n": 4, "mean": [0.8, 0.6], "low": 0.5, "high": 0.9}
    moved = {**curve, "condition": "misaligned_mm", "level": [0.0, 2.0], "variant": "unet3d"}
    table = pd.concat([pd.DataFrame({**curve, "variant": name}) for name in LOOKS] + [pd.DataFrame(moved)])
    with house_style():
        figure = robustness_plots.robustness_curves(table, LOOKS)
    noise, mm = figure.axes
    assert (noise.get_xlabel(), mm.get_xlabel()) == ("PET noise, share of mean uptake", "PET displaced, mm")
    assert [list(line.get_xdata()) for line in mm.lines] == [[], [0, 2]]
    band = noise.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (0.5, 0.9)
    plt.close(figure)


def test_a_figure_is_written_twice_as_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        with house_style():
            save(boxes.by_variant(CASES, LOOKS), tmp_path / name)
    for suffix in (".png", ".pdf"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
