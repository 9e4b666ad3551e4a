import pytest
from builders.cohorts import make_cohort

from benchmark.bench.loop import Training, bare, fitted


@pytest.mark.slow
def test_the_training_loop_costs_little_beside_its_steps_and_trains_the_same(tmp_path):
    training, cohort = Training(side=16, width=16, steps=8), make_cohort(tmp_path).path
    turns = [[loop(training, cohort, tmp_path / "run") for loop in (fitted, bare)] for _ in range(2)]
    for (weights, _), (expected, _) in turns:
        assert all(weights[name].equal(expected[name]) for name in expected)
    ours, peer = (min(seconds for _, seconds in side) for side in zip(*turns, strict=True))
    assert peer / ours > 0.8  # `petmr bench loop` measures it; here it must hold beside other tests
