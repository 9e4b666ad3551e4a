import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from benchmark.figures import (
    agreement_plots,
    boxes,
    cost_plots,
    curves,
    heat_maps,
    rank_plots,
    ranking,
    robustness_plots,
)
from benchmark.figures.names import NETWORKS as NAMES
from benchmark.figures.names import without_sources
from benchmark.figures.style import FONTS, HEIGHT, MARGIN, NETWORKS, OTHERS, WIDTH, house_style, looks, save
from benchmark.runs.folder import RunFolder
from benchmark.scoring.absence import with_found_distances
from benchmark.statistics.comparison import compare
from benchmark.statistics.consistency import measure
from benchmark.statistics.ranking import METHODS
from benchmark.statistics.significance import critical_difference
from benchmark.statistics.significance_map import Map, significance_map
from benchmark.statistics.tables import by_structure, by_subject, sizes
from datamodules.labels.protocol import load_protocol

CASES = cases_of(subjects=8)
NO_TESTS = pd.DataFrame({"first": ["vnet"], "second": ["unetr"], "p_holm": [0.01]})
NETS = {"cross_fusion": "cross_fusion", "unet3d": "unet3d"}
LOOKS = looks(NETS, NETS)
SUBJECTS = by_subject(with_found_distances(CASES))
TITLES = {"dice": "Dice", "hausdorff_mm": "HD (mm)"}


def contrast(colour: str) -> float:
    """Against white, as WCAG defines it."""
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 1.05 / (float(np.dot(light, [0.2126, 0.7152, 0.0722])) + 0.05)


def test_networks_keep_their_look_in_every_experiment():
    mixed, alone = {"vnet": "vnet", "a": "unet3d"}, {"unet3d": "unet3d"}
    assert looks(mixed, mixed)["a"].marker == looks(alone, alone)["unet3d"].marker
    assert looks(mixed, mixed)["a"].colour == looks(alone, alone)["unet3d"].colour


def test_variants_of_one_network_are_told_apart_and_borrow_no_other_networks_look():
    variants = {f"fusion{index}": "cross_fusion" for index in range(7)} | {"own": "somebodys.Network"}
    seen = looks(variants, variants)
    assert (seen["fusion0"].colour, seen["fusion0"].marker) == NETWORKS["cross_fusion"]
    colours = [look.colour for look in seen.values()]
    assert len(set(colours)) == 8
    assert not set(colours[1:]) & {colour for colour, _ in NETWORKS.values()}


def test_every_look_is_seen_on_white_and_no_two_networks_share_a_marker():
    assert all(contrast(colour) > 3 for colour, _ in (*NETWORKS.values(), *OTHERS))
    assert len({marker for _, marker in NETWORKS.values()}) == len(NETWORKS)


def test_an_incomplete_variant_has_a_dagger_in_its_label():
    names = {"vnet": "V-Net", "unet3d": "U-Net"}
    seen = looks({"vnet": "vnet", "unet3d": "unet3d"}, names, {"vnet": "4 of 5 runs"})
    assert [look.label for look in seen.values()] == ["V-Net †", "U-Net"]


def test_box_plots_have_a_panel_for_every_metric_and_a_row_for_every_variant():
    with house_style():
        figure = boxes.by_variant(SUBJECTS, TITLES, LOOKS)
    assert [axes.get_title("left") for axes in figure.axes] == list(TITLES.values())
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(LOOKS)
    plt.close(figure)


def test_points_stand_on_every_box_or_on_none():
    subjects = by_subject(with_found_distances(cases_of(subjects=boxes.POINTS_SHOWN + 1)))
    fewer = subjects[(subjects["variant"] != "unet3d") | (subjects["subject"] != subjects["subject"].iloc[0])]
    with house_style():
        figure = boxes.by_variant(fewer, {"dice": "Dice"}, LOOKS)
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "."]
    plt.close(figure)


def test_a_box_spans_the_quartiles():
    with house_style():
        figure = boxes.by_variant(SUBJECTS, TITLES, LOOKS)
    scores = CASES[CASES["variant"] == "cross_fusion"].groupby("subject")["dice"].mean()
    box = figure.axes[0].patches[0].get_path().get_extents()
    assert [box.x0, box.x1] == pytest.approx(list(scores.quantile([0.25, 0.75])))
    plt.close(figure)


def test_a_network_that_finds_nothing_has_a_median_that_is_seen():
    failed = SUBJECTS.assign(value=SUBJECTS["value"].where(SUBJECTS["variant"] != "unet3d", 0.0))
    with house_style():
        figure = boxes.by_variant(failed, TITLES, LOOKS)
    axes = figure.axes[0]
    medians = [line for line in axes.lines if set(line.get_xdata()) == {0.0} and len(line.get_xdata()) == 2]
    assert any(contrast(line.get_color()) > 10 and line.get_linewidth() > 1 for line in medians)
    assert axes.get_xlim()[0] < 0
    plt.close(figure)


def test_a_missed_structure_does_not_flatten_the_other_distances():
    distances = SUBJECTS.index[SUBJECTS["metric"] == "hausdorff_mm"]
    far = SUBJECTS.assign(value=SUBJECTS["value"].where(SUBJECTS.index != distances[0], 300.0))
    with house_style():
        figure = boxes.by_variant(far, TITLES, LOOKS)
    axes = figure.axes[1]
    (near, middle, end), _ = axes.transData.transform([(1, 0), (10, 0), (100, 0)]).T
    assert middle - near == pytest.approx(end - middle, rel=0.1)
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


def test_a_name_loses_its_source_where_it_is_told_apart_without():
    mine = {"unetr": "UNETR (Hatamizadeh 2021)", "mine": "Mine (at half width)"}
    assert without_sources(mine) == {"unetr": "UNETR", "mine": "Mine (at half width)"}
    twice = {"unetr": "UNETR (Hatamizadeh 2021)", "mine": "UNETR"}
    assert without_sources(twice) == twice


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
            pd.Series([1.2, 1.9, 2.9], index=list(names)), tests, 30, looks(names, names)
        )
    (axes,) = figure.axes
    (ruler,) = [line for line in axes.lines if line.get_marker() == "|"]
    assert np.ptp(ruler.get_xdata()) == pytest.approx(critical_difference(3, 30))
    assert f"CD = {critical_difference(3, 30):.2f}" in {text.get_text() for text in axes.texts}
    plt.close(figure)


def test_a_bar_of_networks_that_no_test_tells_apart_has_the_same_bytes_in_every_process():
    names = {name: name for name in NETWORKS}
    ranks = pd.Series(np.linspace(1, 3, len(names)), index=list(names))
    tests = pd.DataFrame({"first": ["vnet"], "second": ["unetr"], "p_holm": [1.0]})
    with house_style():
        figure = ranking.critical_difference_diagram(ranks, tests, 30, looks(names, names))
    (bar,) = [line for line in figure.axes[0].lines if line.get_linewidth() == 2.4]
    assert list(bar.get_xdata()) == list(ranks)
    plt.close(figure)


def test_replicates_are_told_apart_and_ties_share_a_label():
    replicates = [f"fold {fold}, seed {seed}" for fold in range(5) for seed in range(3)]
    table = pd.DataFrame({"cross_fusion": 1.5, "unet3d": 1.5}, index=replicates)
    with house_style():
        figure = rank_plots.rank_paths(table, LOOKS)
        figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes_of_labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes_of_labels))
    assert [label.get_text() for label in axes.get_xticklabels()][2:4] == ["2\n", "0\nfold 1"]
    assert [text.get_text() for text in axes.texts] == ["cross_fusion, unet3d"]
    plt.close(figure)


def test_folds_alone_name_the_replicates_of_one_seed():
    assert rank_plots.replicate_labels(["fold 0, seed 7", "fold 2, seed 7"]) == ["fold 0", "fold 2"]


def pairs_of(structure: str = "Structure-00", cases: pd.DataFrame = CASES) -> pd.DataFrame:
    pairs = measure(cases)[0].pairs
    return pairs[(pairs["variant"] == "unet3d") & (pairs["structure"] == structure)]


def lines_like(axes, style: str):
    return [line for line in axes.lines if line.get_linestyle() == style]


def test_correlation_has_the_same_scale_on_both_axes_and_says_n():
    many = cases_of(subjects=12)
    with house_style():
        figure = agreement_plots.correlation({"Structure 00": pairs_of(cases=many)}, "ml", "#882255")
    (axes,) = figure.axes
    assert axes.get_xlim() == axes.get_ylim() and axes.get_aspect() == 1
    assert axes.get_title("left").startswith("Structure 00 (n = 12)\nr = 0.")
    (identity,) = lines_like(axes, "--")
    assert list(identity.get_xdata()) == list(identity.get_ydata()) == list(axes.get_xlim())
    assert len(axes.lines) == 3  # points, identity, regression
    plt.close(figure)


@pytest.mark.parametrize("subjects", [3, 9])
def test_few_subjects_have_neither_regression_nor_limits_nor_coefficients(subjects: int):
    few = {"A": pairs_of(cases=cases_of(subjects=subjects))}
    with house_style():
        correlated = agreement_plots.correlation(few, "ml", "#882255")
        compared = agreement_plots.bland_altman_plots(few, "ml", "#882255")
    assert correlated.axes[0].get_title("left") == f"A (n = {subjects})"
    assert len(correlated.axes[0].lines) == 2 and not lines_like(correlated.axes[0], "-")
    assert len(compared.axes[0].lines) == 2 and not compared.axes[0].texts  # points, and the line of zero
    plt.close("all")


def test_a_structure_that_nobody_predicted_is_said_to_be():
    nothing = pairs_of().assign(prediction=0.0)
    with house_style():
        figures = [
            draw({"A": nothing, "B": pairs_of().assign(prediction=np.nan)}, "ml", "#882255")
            for draw in (agreement_plots.correlation, agreement_plots.bland_altman_plots)
        ]
    for figure in figures:
        assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [["not predicted"]] * 2
        plt.close(figure)


def test_bias_limits_and_zero_are_told_apart_without_a_key():
    with house_style():
        figure = agreement_plots.bland_altman_plots({"A": pairs_of(cases=cases_of(12))}, "ml", "#882255")
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    level = [line for line in lines if line.get_ydata()[0] == line.get_ydata()[1]]
    zero, low, bias, high = level
    assert zero.get_ydata()[0] == 0 and contrast(zero.get_color()) > 7
    assert low.get_color() == high.get_color() != bias.get_color()
    brackets = [line for line in lines if line not in level]
    assert [line.get_color() for line in brackets] == [low.get_color(), bias.get_color(), high.get_color()]
    plt.close(figure)


def test_no_label_is_a_negative_zero():
    assert agreement_plots._coefficient(-0.0002) == "0.000"
    assert agreement_plots._signed(-0.0) == "0"


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_limits_of_agreement_never_print_over_one_another(spread: float):
    pairs = pairs_of(cases=cases_of(12))
    pairs = pairs.assign(prediction=pairs["truth"] + spread * (pairs["prediction"] - pairs["truth"]))
    pairs.iloc[0, pairs.columns.get_loc("prediction")] += 1e-9
    with house_style():
        figure = agreement_plots.bland_altman_plots({"A": pairs}, "ml", "#882255")
        figure.draw_without_rendering()
    low, bias, high = (text.get_window_extent() for text in figure.axes[0].texts)
    assert low.y1 < bias.y0 and bias.y1 < high.y0
    plt.close(figure)


def test_legends_fit_inside_the_figure():
    names = {name: name for name in NETWORKS}
    seen = looks(names, NAMES, names)
    costs = pd.DataFrame({"variant": list(names), "dice": 0.5, "low": 0.4, "high": 0.6, "minutes": 1.0})
    costs = costs.assign(front_minutes=True)
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
            save(boxes.by_variant(SUBJECTS, TITLES, LOOKS), tmp_path / name)
    for suffix in (".png", ".pdf"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def texts_of(figure) -> list[list[str]]:
    return [[text.get_text() for text in axes.texts] for axes in figure.axes]


def test_a_heat_map_of_44_structures_and_11_networks_fits_a_page_in_type_of_8_points():
    names = list(load_protocol("aseg45").names[1:])
    cases = cases_of(4, list(NETWORKS), len(names))
    cases = cases.assign(structure=cases["label"].map(dict(enumerate(names, start=1))))
    variants = {name: name for name in NETWORKS}
    with house_style():
        figure = heat_maps.structure_map(by_structure(cases), sizes(cases), looks(variants, NAMES))
        figure.draw_without_rendering()
    (axes,) = figure.axes
    box = figure.get_tightbbox()
    assert box.width <= WIDTH and box.height <= HEIGHT
    labels = [*axes.get_yticklabels(), *axes.get_xticklabels(), *axes.texts]
    assert min(label.get_fontsize() for label in labels) >= 8
    rows = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(rows))
    numbers = axes.texts[0].get_window_extent(), axes.texts[1].get_window_extent()
    assert numbers[0].x1 < numbers[1].x0
    plt.close(figure)


def test_the_largest_structure_stands_first_and_its_dice_is_in_its_cell():
    with house_style():
        figure = heat_maps.structure_map(by_structure(CASES), sizes(CASES), LOOKS)
    (axes,) = figure.axes
    assert axes.get_yticklabels()[0].get_text().startswith("Structure 02")
    mean = CASES[(CASES["structure"] == "Structure-02") & (CASES["variant"] == "cross_fusion")]["dice"].mean()
    assert axes.texts[0].get_text() == f"{mean:.3f}".removeprefix("0")
    plt.close(figure)


def test_every_number_of_a_heat_map_is_read_on_its_colour():
    with house_style():
        figure = heat_maps.first_map(
            pd.DataFrame({"metric": "dice", "variant": list(LOOKS), "first": [1.0, 0.0]}), {"dice": "Dice"}, LOOKS
        )
    (axes,) = figure.axes
    backgrounds = axes.collections[0].to_rgba(axes.collections[0].get_array().ravel())
    for text, background in zip(axes.texts, backgrounds, strict=True):
        light, dark = sorted((1.05 / contrast(text.get_color()), 1.05 / contrast(background[:3])), reverse=True)
        assert light / dark > 4.5
    plt.close(figure)


def test_the_map_of_pairs_has_differences_above_its_diagonal_and_p_below_it():
    comparison = compare(cases_of(12, skill={"cross_fusion": 0.9}), "dice")
    with house_style():
        figure = heat_maps.pair_map(significance_map(comparison), LOOKS)
    above, below = figure.axes[0].texts
    assert above.get_text().startswith("+.") and above.get_position() == (1, 0)
    assert below.get_text() == "<.001" and below.get_position() == (0, 1) and below.get_weight() == "bold"
    plt.close(figure)


def test_differences_that_are_next_to_nothing_are_written_out_and_pale():
    made = Map(("cross_fusion", "unet3d"), np.array([[0, 0.0004], [-0.0004, 0]]), np.ones((2, 2)))
    with house_style():
        figure = heat_maps.pair_map(made, LOOKS)
        figure.draw_without_rendering()
    (mesh,) = figure.axes[0].collections
    assert figure.axes[0].texts[0].get_text() == "+.0004"
    assert mesh.get_facecolors()[1].min() > 0.8
    plt.close(figure)


def test_a_blob_is_as_large_as_its_share_of_draws():
    comparison = compare(CASES, "dice")
    with house_style():
        figure = rank_plots.rank_blobs(comparison.rank_shares, comparison.stability, LOOKS)
    shares = comparison.rank_shares[comparison.rank_shares["variant"] == "cross_fusion"]["share"]
    blobs = figure.axes[0].collections[0]
    assert list(blobs.get_sizes() / rank_plots.BLOB) == pytest.approx(list(shares))
    first = comparison.stability.set_index("variant")["first"]
    expected = [f"{100 * first[name]:.0f} %" for name in LOOKS]
    assert [text.get_text() for text in figure.axes[0].texts] == [*expected, "first"]
    plt.close(figure)


def test_methods_that_rank_otherwise_make_lines_cross():
    methods = pd.DataFrame(
        {"method": np.repeat(METHODS, 2), "variant": list(LOOKS) * 4, "rank": [1, 2, 2, 1, 1, 2, 1, 1]}
    )
    with house_style():
        figure = rank_plots.method_lines(methods, LOOKS)
    first, second = (line.get_ydata() for line in figure.axes[0].lines)
    assert (np.sign(second - first) == [1, -1, 1, 1]).all()
    assert texts_of(figure) == [list(LOOKS)]
    plt.close(figure)


def test_every_subject_has_a_line_and_the_difference_without_the_most_telling_one_is_said():
    with house_style():
        figure = rank_plots.paired_lines(SUBJECTS, "cross_fusion", ["unet3d"], LOOKS)
    dice = SUBJECTS[SUBJECTS["metric"] == "dice"].pivot_table("value", "subject", "variant")
    change = dice["cross_fusion"] - dice["unet3d"]
    one_less = change.drop(change.idxmax() if change.mean() >= 0 else change.idxmin()).mean()
    (axes,) = figure.axes
    (pairs,) = axes.collections
    ends = np.array([path.vertices[:, 1] for path in pairs.get_paths()])
    assert ends == pytest.approx(dice[["cross_fusion", "unet3d"]].to_numpy())
    assert len(axes.lines) == 1
    assert axes.get_title("left").endswith(f"without one {one_less:+.3f}".replace("-", "−"))
    plt.close(figure)


def test_the_axis_of_ranks_runs_from_first_to_last_and_no_elbow_touches_its_name():
    names = {name: name for name in ("vnet", "unet3d", "unetr")}
    with house_style():
        figure = ranking.critical_difference_diagram(
            pd.Series([1.2, 1.9, 2.9], index=list(names)), NO_TESTS, 30, looks(names, names)
        )
        figure.draw_without_rendering()
    (axes,) = figure.axes
    assert list(axes.get_xticks()) == [1, 2, 3] and axes.spines["top"].get_visible()
    first = next(text for text in axes.texts if "vnet" in text.get_text())
    elbow = next(line for line in axes.lines if len(line.get_xdata()) == 3)
    assert first.get_text().endswith(" ") and first.get_position()[0] <= min(elbow.get_xdata())
    plt.close(figure)


def test_type_is_a_helvetica_where_one_is_and_no_warning_is_given():
    with warnings.catch_warnings(), house_style():
        warnings.simplefilter("error")
        first, *rest = plt.rcParams["font.family"]
        figure, axes = plt.subplots()
        axes.set_title("Dice ± − ★ † Çiçek τ")
        figure.draw_without_rendering()
        plt.close(figure)
    assert first in FONTS or (first, rest) == ("DejaVu Sans", [])


def test_no_distance_is_drawn_below_none():
    subjects = pd.DataFrame({"variant": ["unet3d"] * 3, "metric": "hausdorff_mm", "value": [12.0, 40.0, 300.0]})
    seen = looks({"unet3d": "unet3d"}, NAMES)
    with house_style():
        figure = boxes.by_variant(subjects, {"hausdorff_mm": "HD (mm)"}, seen)
    assert figure.axes[0].get_xlim()[0] == 0
    plt.close(figure)


def test_pairs_of_networks_with_long_names_fit_the_page_and_their_names_stand_apart():
    names = ["unetr", "uxnet3d", "swin_unetr", "resenc_unet"]
    with house_style():
        figure = rank_plots.paired_lines(
            by_subject(with_found_distances(cases_of(4, tuple(names)))),
            names[0],
            names[1:],
            looks({name: name for name in names}, NAMES),
        )
        figure.draw_without_rendering()
    assert figure.get_tightbbox().width + 2 * MARGIN <= WIDTH
    for axes in figure.axes:
        left, right = (label.get_window_extent() for label in axes.get_xticklabels())
        assert left.x1 < right.x0
    plt.close(figure)
