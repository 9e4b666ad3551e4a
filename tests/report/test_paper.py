import pandas as pd
import pytest

from benchmark.report.paper import beside_paper, printed_table, ranking_agreement


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
