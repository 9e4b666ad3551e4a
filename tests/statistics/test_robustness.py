import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of

from benchmark.statistics.robustness import robustness
from benchmark.statistics.scores import group_scores
from benchmark.statistics.significance import intervals

CLEAN = cases_of(subjects=6)


def at(skill: float, **columns: float) -> pd.DataFrame:
    return cases_of(subjects=6, skill={"unet3d": skill}, draw=1).assign(**columns)


def test_each_condition_is_a_curve_from_the_test_as_it_is_to_the_hardest():
    cases = pd.concat(
        [CLEAN, at(0.6, noise=0.2), at(0.7, noise=0.1), at(0.5, misaligned_mm=3.0, misaligned_degrees=0.0)]
    )
    table = robustness(cases)
    curve = table.query("condition == 'noise' and variant == 'unet3d'")
    assert curve["level"].tolist() == [0.0, 0.1, 0.2]
    assert curve["mean"].is_monotonic_decreasing
    assert table.query("condition == 'misaligned_mm'")["level"].unique().tolist() == [0.0, 3.0]
    assert set(table["condition"]) == {"noise", "misaligned_mm"}


def test_a_point_is_the_mean_over_subjects_with_its_bootstrap_interval():
    harder = at(0.6, noise=0.2)
    found = robustness(pd.concat([CLEAN, harder])).query("level == 0.2").set_index("variant")
    expected = intervals(group_scores(harder)).set_index("variant")
    pd.testing.assert_frame_equal(found[["n", "mean", "low", "high"]], expected, check_names=False)
    mean = harder[harder["variant"] == "unet3d"].groupby("subject")["dice"].mean().mean()
    assert found.loc["unet3d", "mean"] == pytest.approx(mean)


def test_what_is_harder_in_two_ways_or_elsewhere_is_on_no_curve():
    both = at(0.5, misaligned_mm=3.0, misaligned_degrees=2.0)
    there = at(0.5, noise=0.2).assign(test_cohort="clinic")
    assert robustness(pd.concat([CLEAN, both, there])).empty
    turned = robustness(pd.concat([CLEAN, both, at(0.5, misaligned_mm=0.0, misaligned_degrees=2.0)]))
    assert set(turned["condition"]) == {"misaligned_degrees"}


def test_a_variant_that_was_not_tested_harder_has_no_curve():
    harder = at(0.5, noise=0.2)
    table = robustness(pd.concat([CLEAN, harder[harder["variant"] == "unet3d"]]))
    assert set(table["variant"]) == {"unet3d"}
    assert np.isfinite(table[["mean", "low", "high"]].to_numpy()).all()


def test_a_curve_is_over_what_was_tested_at_all_of_its_levels_whatever_others_were_tested_on():
    first = cases_of(subjects=6)["subject"].iloc[0]
    harder = at(0.6, noise=0.2)
    partly = harder[(harder["variant"] != "unet3d") | (harder["subject"] != first)]
    table = robustness(pd.concat([CLEAN, partly])).set_index(["variant", "level"])
    assert table["n"].to_dict() == {
        **{("unet3d", level): 5 for level in (0.0, 0.2)},
        **{("cross_fusion", level): 6 for level in (0.0, 0.2)},
    }
    of_unet3d = CLEAN[(CLEAN["variant"] == "unet3d") & (CLEAN["subject"] != first)]
    assert table.loc[("unet3d", 0.0), "mean"] == pytest.approx(of_unet3d.groupby("subject")["dice"].mean().mean())
