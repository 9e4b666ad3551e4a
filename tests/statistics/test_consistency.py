import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of

from benchmark.statistics.consistency import consistency_table, measure

CASES = cases_of(subjects=8).assign(unit="SUV")


def volume(cases: pd.DataFrame = CASES) -> pd.DataFrame:
    return consistency_table(measure(cases)[0])


def uptake(cases: pd.DataFrame = CASES) -> pd.DataFrame:
    return consistency_table(measure(cases)[1])


def scaled(cases: pd.DataFrame, units: dict[str, tuple[str, float]]) -> pd.DataFrame:
    """Some subjects in another unit, which multiplies what was measured."""
    unit = cases["subject"].map({subject: unit for subject, (unit, _) in units.items()}).fillna("SUV")
    factor = cases["subject"].map({subject: factor for subject, (_, factor) in units.items()}).fillna(1.0)
    return cases.assign(
        unit=unit, **{name: cases[name] * factor for name in ("truth_mean", "prediction_mean") if name in cases}
    )


def test_agreement_is_told_for_every_variant_and_structure():
    table = uptake()
    assert len(table) == 2 * 3
    assert (table["n"] == 8).all()
    own = CASES[(CASES["variant"] == "unet3d") & (CASES["structure"] == "Structure-01")]
    row = table.set_index(["variant", "structure"]).loc[("unet3d", "Structure-01")]
    assert row["bias"] == pytest.approx((own["prediction_mean"] - own["truth_mean"]).mean())
    assert row["r"] == pytest.approx(np.corrcoef(own["prediction_mean"], own["truth_mean"])[0, 1])
    assert [(one.quantity.name, one.quantity.unit) for one in measure(CASES)] == [("volume", "ml"), ("uptake", "SUV")]


def test_without_uptake_only_volumes_are_compared():
    assert [one.quantity.name for one in measure(CASES.drop(columns=["truth_mean"]))] == ["volume"]


def test_subjects_in_another_unit_share_no_statistic_with_the_others():
    mixed = scaled(CASES, {"s000": ("Bq/ml", 5000.0), "s001": ("SUVR (whole brain)", 0.2)})
    quantity = measure(mixed)[1].quantity
    assert quantity.unit == "SUV"
    assert quantity.remark.startswith("2 of 8 subjects are left out")
    assert "6 in SUV, 1 in Bq/ml, 1 in SUVR (whole brain)" in quantity.remark
    six = CASES[~CASES["subject"].isin(["s000", "s001"])]
    pd.testing.assert_frame_equal(uptake(mixed).drop(columns="tolerable"), uptake(six).drop(columns="tolerable"))


def test_all_become_relative_where_the_cerebellar_cortex_was_segmented():
    names = {1: "Left-Cerebellum-Cortex", 2: "Right-Cerebellum-Cortex", 3: "Left-Thalamus"}
    cases = CASES.assign(structure=CASES["label"].map(names))
    one_unit, mixed = cases, scaled(cases, {"s000": ("Bq/ml", 5000.0), "s001": ("kBq", 5.0)})
    quantity = measure(mixed)[1].quantity
    assert quantity.unit == "SUVR (cerebellar cortex)"
    assert quantity.remark == "Subjects were measured 6 in SUV, 1 in Bq/ml, 1 in kBq: all are made relative."
    row = uptake(mixed).set_index(["variant", "structure"]).loc[("unet3d", "Left-Thalamus")]
    ratios = []
    for side in ("truth", "prediction"):
        own = one_unit[one_unit["variant"] == "unet3d"].set_index(["structure", "subject"])
        cortex = own.loc[["Left-Cerebellum-Cortex", "Right-Cerebellum-Cortex"]]
        total = (cortex[f"{side}_mean"] * cortex[f"{side}_ml"]).groupby("subject").sum()
        reference = total / cortex[f"{side}_ml"].groupby("subject").sum()
        ratios.append(own.loc["Left-Thalamus", f"{side}_mean"] / reference)
    assert row["n"] == 8
    assert row["bias"] == pytest.approx((ratios[1] - ratios[0]).mean())


def test_a_subject_is_tolerable_up_to_five_percent_of_error():
    errors = [0.0, 0.049, -0.049, 0.051, -0.06, 0.2, 0.01, 0.02]
    by_subject = dict(zip(sorted(CASES["subject"].unique()), errors, strict=True))
    cases = CASES.assign(prediction_mean=CASES["truth_mean"] * (1 + CASES["subject"].map(by_subject)))
    assert uptake(cases)["tolerable"].tolist() == pytest.approx([5 / 8] * 6)


def test_of_several_seeds_the_first_is_measured_as_a_mean_would_err_less():
    both = cases_of(subjects=8, seeds=(0, 1))
    pd.testing.assert_frame_equal(volume(both), volume(both[both["seed"] == 0]))


def test_a_subject_that_the_first_seed_did_not_test_is_taken_from_the_next():
    both = cases_of(subjects=8, seeds=(0, 1))
    lacking = both[(both["seed"] == 1) | (both["fold"] == 0)]
    assert (volume(lacking)["n"] == 8).all()


def test_what_was_missed_is_not_tolerable_though_it_has_no_uptake():
    exact = CASES.assign(prediction_mean=CASES["truth_mean"])
    missed = exact["subject"].isin(["s000", "s001"])
    table = uptake(exact.assign(prediction_mean=exact["prediction_mean"].mask(missed)))
    assert (table["n"] == 6).all()
    assert table["tolerable"].tolist() == pytest.approx([6 / 8] * 6)
