import pandas as pd
import pytest

from benchmark.report.paper import beside_paper, earlier_table, printed_table, ranking_agreement
from benchmark.report.sheets.scores import earlier_sheet


def summary_like_printed(shift: float = 0.0) -> pd.DataFrame:
    printed = printed_table().rename(columns={"network": "variant"})
    return printed.assign(mean=printed["mean"] + shift)[["variant", "metric", "mean", "std"]]


def networks() -> dict[str, str]:
    return {name: name for name in printed_table()["network"].unique()}


def test_the_printed_table_holds_nine_networks_and_five_metrics():
    assert printed_table().groupby("network")["metric"].nunique().tolist() == [5] * 9


def test_the_printed_dice_of_cross_fusion_is_above_what_its_columns_allow():
    row = printed_table().query("network == 'cross_fusion'").set_index("metric")["mean"]
    assert row["dice"] > (row["precision"] + row["sensitivity"]) / 2


def test_earlier_papers_stand_between_the_rows_that_they_put_into_question():
    sheet = earlier_sheet()
    assert sheet.rows == (
        "Tang et al.: UNet3D",
        "Huang et al.: dual-input U-Net",
        "Li et al.: cross attention",
        "Tang et al.: cross fusion",
    )
    told = {column.heading: column.texts for column in sheet.columns}
    assert told["Dice"] == ("0.7376 ± 0.0003", "0.8424 ± 0.0144", "0.8535", "0.8573 ± 0.0001")
    assert told["subjects"] == ("110", "120", "–", "110")
    assert "can't be taken for what the fusion gains" in sheet.note


def test_earlier_means_are_possible_unlike_those_of_table_1():
    table = earlier_table().pivot_table(index="method", columns="metric", values="mean")
    bound = (table["precision"] + table["sensitivity"]) / 2
    assert (table["dice"] <= bound).to_dict() == {
        "Huang et al.: dual-input U-Net": True,
        "Li et al.: cross attention": True,
        "Tang et al.: UNet3D": False,
        "Tang et al.: cross fusion": False,
    }


def test_our_own_printed_values_differ_by_nothing_and_rank_alike():
    ours = summary_like_printed(shift=0.01)
    table = beside_paper(ours, ours[ours["metric"] != "hausdorff_mm"], networks())
    assert table["difference"].tolist() == pytest.approx([0.01] * 45)
    assert ranking_agreement(table)["tau"].tolist() == pytest.approx([1] * 5)


def test_a_turned_ranking_has_tau_minus_one():
    ours = summary_like_printed().assign(mean=lambda table: -table["mean"])
    assert ranking_agreement(beside_paper(ours, ours, networks()))["tau"].tolist() == pytest.approx([-1] * 5)


def test_two_variants_of_one_network_are_no_row_of_the_paper():
    ours = summary_like_printed()
    table = beside_paper(ours, ours, {"cross_fusion": "cross_fusion", "vnet": "cross_fusion", "unetr": "unetr"})
    assert set(table["variant"]) == {"unetr"}
