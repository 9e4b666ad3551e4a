import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of

from benchmark.statistics.consistency import consistency_table, quantities

CASES = cases_of(subjects=8)


def test_agreement_is_told_for_every_variant_and_structure():
    (volume, uptake) = quantities(CASES)
    table = consistency_table(CASES, uptake)
    assert len(table) == 2 * 3
    assert (table["n"] == 8).all()
    own = CASES[(CASES["variant"] == "unet3d") & (CASES["structure"] == "Structure-01")]
    row = table.set_index(["variant", "structure"]).loc[("unet3d", "Structure-01")]
    assert row["bias"] == pytest.approx((own["prediction_mean"] - own["truth_mean"]).mean())
    assert row["r"] == pytest.approx(np.corrcoef(own["prediction_mean"], own["truth_mean"])[0, 1])
    assert volume.unit == "ml"


def test_without_uptake_only_volumes_are_compared():
    assert [one.name for one in quantities(CASES.drop(columns=["truth_mean"]))] == ["volume"]


def test_a_subject_is_tolerable_up_to_five_percent_of_error():
    (_, uptake) = quantities(CASES)
    errors = [0.0, 0.049, -0.049, 0.051, -0.06, 0.2, 0.01, 0.02]
    by_subject = dict(zip(sorted(CASES["subject"].unique()), errors, strict=True))
    cases = CASES.assign(prediction_mean=CASES["truth_mean"] * (1 + CASES["subject"].map(by_subject)))
    assert consistency_table(cases, uptake)["tolerable"].tolist() == pytest.approx([5 / 8] * 6)


def test_of_several_seeds_the_first_is_measured_as_a_mean_would_err_less():
    (volume, _) = quantities(CASES)
    both = cases_of(subjects=8, seeds=(0, 1))
    pd.testing.assert_frame_equal(consistency_table(both, volume), consistency_table(both[both["seed"] == 0], volume))


def test_a_subject_that_the_first_seed_did_not_test_is_taken_from_the_next():
    (volume, _) = quantities(CASES)
    both = cases_of(subjects=8, seeds=(0, 1))
    lacking = both[(both["seed"] == 1) | (both["fold"] == 0)]
    assert (consistency_table(lacking, volume)["n"] == 8).all()


def test_what_was_missed_is_not_tolerable_though_it_has_no_uptake():
    (_, uptake) = quantities(CASES)
    exact = CASES.assign(prediction_mean=CASES["truth_mean"])
    missed = exact["subject"].isin(["s000", "s001"])
    table = consistency_table(exact.assign(prediction_mean=exact["prediction_mean"].mask(missed)), uptake)
    assert (table["n"] == 6).all()
    assert table["tolerable"].tolist() == pytest.approx([6 / 8] * 6)
