import numpy as np
import pytest
from cases_builder import cases_of

from benchmark.consistency import consistency_table, quantities

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


def test_seeds_of_a_subject_are_averaged():
    (volume, _) = quantities(CASES)
    assert (consistency_table(cases_of(subjects=8, seeds=(0, 1)), volume)["n"] == 8).all()
