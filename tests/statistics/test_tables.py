import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of, with_lost_structure

from benchmark.statistics import tables


def dice(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["metric"] == "dice"].set_index("variant")


def test_overall_is_the_mean_over_subjects_of_the_mean_over_structures():
    cases = cases_of(subjects=5)
    by_subject = cases[cases["variant"] == "unet3d"].groupby("subject")["dice"].mean()
    row = dice(tables.overall(cases)).loc["unet3d"]
    assert (row["mean"], row["std"], row["n"]) == pytest.approx((by_subject.mean(), by_subject.std(), 5))


def test_seeds_of_a_subject_are_averaged_not_counted_as_subjects():
    assert (dice(tables.overall(cases_of(subjects=5, seeds=(0, 1))))["n"] == 5).all()


def test_a_lost_structure_lowers_the_mean_and_is_counted():
    cases = with_lost_structure(cases_of(subjects=5), "unet3d", label=2)
    row, whole = dice(tables.overall(cases)).loc["unet3d"], dice(tables.overall(cases_of(subjects=5))).loc["unet3d"]
    assert row["missed"] == 5
    assert row["mean"] < whole["mean"] - 0.2


def test_noisy_and_external_cases_stay_out_of_the_overall_table():
    cases = cases_of(subjects=5)
    others = pd.concat([cases, cases.assign(noise=0.2), cases.assign(test_cohort="elsewhere")])
    pd.testing.assert_frame_equal(tables.overall(others), tables.overall(cases))


def test_noise_levels_are_averaged_apart_with_the_clean_one():
    table = tables.by_noise(pd.concat([cases_of(), cases_of(skill={"unet3d": 0.5}).assign(noise=0.2)]))
    wide = tables.wide(table, "dice", "variant", "noise")
    assert list(wide.columns) == [0.0, 0.2]
    assert wide.loc["unet3d", 0.2] < wide.loc["unet3d", 0.0] - 0.2


def test_without_noise_or_external_cases_there_are_no_such_tables():
    assert tables.by_noise(cases_of()).empty
    assert tables.by_test_cohort(cases_of()).empty


def test_levels_are_told_over_the_same_subjects():
    cases = cases_of(subjects=4)
    harder = cases[cases["subject"] != cases["subject"].iloc[0]]
    noisy, moved = harder.assign(noise=0.2), harder.assign(misaligned_mm=2.0, misaligned_degrees=0.0)
    for table in (tables.by_noise(pd.concat([cases, noisy])), tables.by_misalignment(pd.concat([cases, moved]))):
        assert set(table.loc[table["metric"] == "dice", "n"]) == {3}


def test_an_external_subject_counts_once_though_the_networks_of_all_folds_segment_it():
    external = pd.concat([cases_of(subjects=3, draw=fold).assign(fold=fold, test_cohort="b") for fold in range(2)])
    assert (dice(tables.by_test_cohort(pd.concat([cases_of(), external])))["n"] == 3).all()


def test_wide_keeps_the_order_of_rows_and_columns():
    cases = cases_of(networks=("vnet", "cross_fusion"), structures=3)
    table = tables.wide(tables.by_structure(cases), "dice", "structure", "variant")
    assert list(table.columns) == ["vnet", "cross_fusion"]
    assert list(table.index) == ["Structure-00", "Structure-01", "Structure-02"]
    assert np.isfinite(table.to_numpy()).all()
