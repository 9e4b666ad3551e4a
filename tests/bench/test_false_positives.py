import pytest

from benchmark.bench.false_positives import Scenario, Spread, experiment, rates
from benchmark.statistics.scores import RUN


def rate_of(scenario: Scenario, test: str) -> float:
    (row,) = [row for row in rates(scenario, experiments=80) if row["test"] == test]
    assert row["low"] <= row["rate"] <= row["high"]
    return float(row["rate"])


def test_an_experiment_holds_every_training_of_every_group_of_its_fold_and_is_drawn_again():
    runs = experiment(Scenario(2, 3, Spread()), number=5)
    assert len(runs) == 2 * 3 * 110
    assert runs.groupby(["variant", *RUN])["group"].nunique().eq(22).all()
    assert runs.equals(experiment(Scenario(2, 3, Spread()), number=5))


def test_noise_of_training_alone_makes_equal_networks_differ_by_tests_over_groups():
    assert rate_of(Scenario(2, 1, Spread()), "Wilcoxon") > 0.2
    assert rate_of(Scenario(2, 1, Spread(seed=0.0)), "Wilcoxon") < 0.15


@pytest.mark.parametrize("seeds", [2, 3])
def test_with_seeds_methods_are_told_apart_from_their_trainings(seeds: int):
    assert rate_of(Scenario(2, seeds, Spread()), "methods") < 0.12


def test_with_one_seed_there_is_no_test_of_methods():
    assert [row["test"] for row in rates(Scenario(2, 1, Spread()), experiments=2)] == [
        "Wilcoxon",
        "interval over groups",
    ]
