import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import first_run, tiny

import benchmark.forecast.pace
from benchmark.forecast.pace import Seconds, build_alone, seconds_of
from datamodules.cohort.splits import foresee_splits


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=5)


@pytest.fixture
def timed(monkeypatch):
    """Sides of the patches that were timed, where a voxel takes a second of training and none of labelling."""
    sides = []

    def time(cli):
        side = cli.datamodule.patch_size[0]
        sides.append(side)
        if side < cli.model.network.smallest:
            raise ValueError("too small for its deepest level")
        return Seconds(side**3, 0)

    monkeypatch.setattr(benchmark.forecast.pace, "_time", time)
    monkeypatch.setattr("builders.tiny_experiment.TinyNet.smallest", 0, raising=False)
    return sides


def estimate(run, cohort):
    return seconds_of(run, cohort, foresee_splits(cohort, 2, 0), build_alone(run, cohort))


def run_on(side, **config):
    return first_run(tiny(data={"patch_size": [side] * 3, "epoch_length": 10}, trainer={"max_epochs": 7}, **config))


def test_small_patches_are_timed_as_they_are_and_counted(cohort, timed):
    assert estimate(run_on(16), cohort) == pytest.approx(7 * 10 * 16**3)
    assert timed == [16]


def test_large_patches_are_timed_on_a_part_and_scaled_by_multiply_adds(cohort, timed):
    assert estimate(run_on(96), cohort) == pytest.approx(7 * 10 * 96**3)
    assert timed == [32]


def test_a_network_that_needs_more_than_the_smallest_patch_gets_it(cohort, timed, monkeypatch):
    monkeypatch.setattr("builders.tiny_experiment.TinyNet.smallest", 64)
    assert estimate(run_on(96), cohort) == pytest.approx(7 * 10 * 96**3)
    assert timed == [32, 64]


def test_windows_of_validations_and_test_are_counted_with_mirror_images(cohort, monkeypatch):
    monkeypatch.setattr(benchmark.forecast.pace, "_time", lambda cli: Seconds(0, 1))
    once = estimate(run_on(16), cohort)
    sides = {subject.shape for subject in cohort.subjects.values()}
    assert all(max(shape) <= 28 for shape in sides)  # two windows of 16 with an overlap of a quarter
    assert once == run_windows(cohort, epochs=7)
    assert estimate(run_on(16, model={"inference": {"mirror": True}}), cohort) == 2 * once


def run_windows(cohort, epochs):
    fold = foresee_splits(cohort, 2, 0).folds[0]
    needed = {name: 2 ** sum(side > 16 for side in subject.shape) for name, subject in cohort.subjects.items()}
    return epochs * sum(needed[name] for name in fold.validation) + sum(needed[name] for name in fold.test)


def test_training_may_be_bounded_by_steps(cohort, timed):
    bounded = first_run(tiny(data={"epoch_length": 10}, trainer={"max_epochs": -1, "max_steps": 20}))
    assert estimate(bounded, cohort) == pytest.approx(20 * 2 * 16**3)
    shorter = first_run(tiny(data={"epoch_length": 10}, trainer={"max_epochs": 2, "max_steps": 20}))
    assert estimate(shorter, cohort) == pytest.approx(2 * 10 * 16**3)
    alike = first_run(tiny(data={"epoch_length": 10}, trainer={"max_epochs": 2, "max_steps": 2}))
    assert estimate(alike, cohort) == pytest.approx(2 * 2 * 16**3)


def test_every_step_updates_the_weights(cohort, monkeypatch):
    monkeypatch.setattr(benchmark.forecast.pace, "_time", lambda cli: Seconds(0, 0, update=1))
    assert estimate(run_on(16), cohort) == pytest.approx(7 * 10 / 2)
