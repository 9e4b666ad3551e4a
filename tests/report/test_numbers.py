import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from builders.cases import cases_of, with_lost_structure
from builders.runs import write_runs

from benchmark.report.numbers import Numbers, compute
from benchmark.report.sheets.scores import cost_sheets, main_sheets, paper_sheets, structure_sheet
from benchmark.report.sheets.statistics import statistics_sheets
from benchmark.runs.evidence import Evidence, find_runs, gather, write_grid
from benchmark.runs.reading import Reading, write_reading

NETWORKS = ("vnet", "cross_fusion", "unet3d")
SKILL = {"cross_fusion": 0.9, "unet3d": 0.8, "vnet": 0.6}


def evidence_of(folder: Path, cases: pd.DataFrame, reading: Reading | None = None) -> Evidence:
    write_runs(folder, cases)
    write_reading(folder, reading or Reading())
    (evidence,) = gather([folder])
    return evidence


def sheets_of(evidence: Evidence, found: Numbers) -> dict:
    makers = (main_sheets, paper_sheets, statistics_sheets)
    sheets = {sheet.name: sheet for make in makers for sheet in make(evidence, found)}
    return {**sheets, "cost": next(cost_sheets(evidence, found))}


def test_rows_are_by_rank_and_by_the_papers_order_on_request(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(12, NETWORKS, skill=SKILL))
    for order, expected in (
        ("rank", ("cross_fusion", "unet3d", "vnet")),
        ("paper", ("vnet", "unet3d", "cross_fusion")),
    ):
        ordered = replace(evidence, reading=Reading(order=order))
        found = compute(ordered)
        assert tuple(found.names) == expected and found.leader == "cross_fusion"
        sheets = sheets_of(ordered, found)
        for name in ("overall", "further", "pooled", "cost", "intervals_dice", "ranks", "first", "variance"):
            assert sheets[name].rows == expected, name
        assert [column.heading for column in structure_sheet(ordered, found).columns][1:4] == list(expected)


def test_incomplete_networks_come_last_whatever_they_score(tmp_path: Path):
    write_runs(tmp_path, cases_of(12, NETWORKS, skill=SKILL))
    write_grid(tmp_path, [run.record for run in find_runs([tmp_path])])
    shutil.rmtree(tmp_path / "cross_fusion/fold-1-seed-0")
    (evidence,) = gather([tmp_path])
    found = compute(evidence)
    assert list(found.names) == ["unet3d", "vnet", "cross_fusion"]
    assert found.networks.set_index("variant")["rank"].isna().to_dict()["cross_fusion"]


def test_distances_stand_both_ways_with_what_they_are_over_and_beside_the_paper_the_found_ones(tmp_path: Path):
    evidence = evidence_of(tmp_path, with_lost_structure(cases_of(12, NETWORKS), "unet3d", label=2))
    found = compute(evidence)
    sheets = sheets_of(evidence, found)
    row = sheets["overall"].rows.index("unet3d")
    values = {column.heading: column.values[row] for column in sheets["overall"].columns}
    assert values["HD (mm)"] > 90 and values["HD of found (mm)"] < 10
    assert (values["n"], values["found"], values["missed"]) == (12, 24, 12)
    ours = found.paper[found.paper["metric"] == "hausdorff_found_mm"].set_index("variant")["ours"]
    assert ours["unet3d"] == pytest.approx(values["HD of found (mm)"])
    assert "paper_hausdorff_found_mm" in sheets and "paper_hausdorff_mm" not in sheets


def test_an_experiment_chooses_which_distance_is_tested(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(12, NETWORKS), Reading(absent="exclude"))
    sheets = sheets_of(evidence, compute(evidence))
    assert "tests_hausdorff_found_mm" in sheets and "tests_hausdorff_mm" not in sheets


def test_structures_that_an_experiment_leaves_out_are_in_no_mean_and_named(tmp_path: Path):
    cases = with_lost_structure(cases_of(12, NETWORKS), "unet3d", label=2)
    evidence = evidence_of(tmp_path, cases, Reading(scored=["Structure-00", "Structure-02"]))
    found = compute(evidence)
    assert (found.summary["missed"] == 0).all()
    kept = cases[(cases["label"] != 2) & (cases["variant"] == "unet3d")]
    dice = found.summary[found.summary["metric"] == "dice"].set_index("variant")["mean"]
    assert dice["unet3d"] == pytest.approx(kept["dice"].mean())
    for name in ("overall", "further", "pooled"):
        assert "Means are over 2 of 3 structures, without Structure-01." in sheets_of(evidence, found)[name].note
    assert "Structure-01" in structure_sheet(evidence, found).rows


def test_a_structure_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(4, NETWORKS), Reading(scored=["Pons"]))
    with pytest.raises(ValueError, match="No structure is called Pons; 'scored' can name Structure-00, Structure-01"):
        compute(evidence)


def test_labels_of_an_experiment_name_its_rows_and_networks_have_one_name_everywhere(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(12, NETWORKS, skill=SKILL), Reading(labels={"vnet": "Old faithful"}))
    found = compute(evidence)
    assert list(found.names.values()) == ["Cross fusion (Tang 2025)", "3D U-Net (Çiçek 2016)", "Old faithful"]
    sheets = sheets_of(evidence, found)
    assert sheets["overall"].names()[2] == "Old faithful"
    assert sheets["tests_dice"].headings()[2] == "Old faithful"
    assert found.networks["name"].tolist() == list(found.names.values())


@pytest.mark.parametrize(("side", "told"), [(1, True), (6, False)])
def test_a_surface_dice_below_the_voxel_size_is_left_out_and_said(tmp_path: Path, side: int, told: bool):
    cases = cases_of(6, NETWORKS)
    cases = cases.assign(**{name: cases[name] * side**3 for name in ("truth_ml", "prediction_ml")})
    evidence = evidence_of(tmp_path, cases)
    found = compute(evidence)
    assert found.voxel_mm == pytest.approx(side)
    further = sheets_of(evidence, found)["further"]
    assert ("Surface Dice 1 mm" in further.headings()) == told
    left_out = "Surface Dice at 1 and 2 mm is left out, since a voxel is 6 mm wide"
    assert (left_out in further.note) != told


def test_with_one_seed_every_sheet_with_a_p_says_of_which_networks_it_is(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(12, NETWORKS))
    sheets = sheets_of(evidence, compute(evidence))
    for name in ("intervals_dice", "leader_dice", "tests_dice"):
        assert "of these trained networks: with one seed" in sheets[name].note, name
    assert "SD of seeds" in sheets["variance"].headings()
    assert "With one seed the noise of training can't be told" in sheets["variance"].note


def test_with_seeds_the_methods_are_tested_beside_the_networks(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(12, NETWORKS, seeds=(0, 1), skill=SKILL))
    found = compute(evidence)
    sheets = sheets_of(evidence, found)
    assert sheets["leader_dice"].headings()[-2:] == ("p (Holm)", "p of methods (Holm)")
    assert {"p_method_holm", "method_low"} <= set(found.dice.tests)
    assert "folds, trainings and subjects" in sheets["intervals_dice"].note
    assert found.variance["sd_seeds"].notna().all()


def test_the_table_of_scores_says_group_for_groups(tmp_path: Path):
    cases = cases_of(6, NETWORKS)
    persons = cases["subject"].map(lambda subject: f"person-{int(subject[1:]) // 2}")
    evidence = evidence_of(tmp_path, cases.assign(group=persons))
    written = compute(evidence).files()
    assert set(written["scores"]["group"]) == {"person-0", "person-1", "person-2"}
    for name, table in written.items():
        if "subject" in table:
            assert not set(table["subject"]) & set(persons), name


def test_cost_has_a_star_where_nobody_scores_as_much_for_as_little(tmp_path: Path):
    evidence = evidence_of(tmp_path, cases_of(12, NETWORKS, skill=SKILL))  # parameters grow with names' lengths
    found = compute(evidence)
    sheet = next(cost_sheets(evidence, found))
    millions = next(column for column in sheet.columns if column.heading == "parameters (millions)")
    assert dict(zip(sheet.rows, millions.texts, strict=True)) == {
        "cross_fusion": "12 ★",
        "unet3d": "6 ★",
        "vnet": "4 ★",
    }
    assert found.costs.set_index("variant")["front_minutes"].all()
