import json
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.runs.tuned import Trial
from benchmark.tuning.space import (
    BOUNDS,
    CE_WEIGHT,
    DECAY,
    LEARNING_RATE,
    WARMUP,
    WEIGHT_DECAY,
    as_parameters,
    own_settings,
)
from benchmark.tuning.study import Budget, Course, best_of, search

OWN = own_settings({LEARNING_RATE: 1e-3})
BUDGET = Budget(trials=8, epochs=6, seed=0)


class Killed(BaseException):
    """Ends a process wherever it is, as far as files can tell."""


def score(settings: dict) -> float:
    """A network that likes a rate of 2e-3."""
    return 1 / (1 + abs(settings[LEARNING_RATE] - 2e-3) * 1000)


def train(settings: dict, watch) -> Course:
    for epoch in range(BUDGET.epochs):
        if watch(epoch, score(settings) * (epoch + 1) / BUDGET.epochs):
            return Course(score(settings) * (epoch + 1) / BUDGET.epochs, epoch + 1, "pruned")
    return Course(score(settings), BUDGET.epochs, "complete")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, ...]:
    return search(tmp_path_factory.mktemp("study") / "a.journal", OWN, BUDGET, train)


def test_the_first_trial_has_the_experiments_own_settings(undisturbed):
    assert undisturbed[0].settings == {
        LEARNING_RATE: 1e-3,
        WEIGHT_DECAY: 0.01,
        CE_WEIGHT: 1.0,
        DECAY: "constant",
        WARMUP: 0.0,
    }


def test_all_others_stay_within_the_bounds_and_differ(undisturbed):
    assert len(undisturbed) == len({json.dumps(trial.settings) for trial in undisturbed}) == 8
    for trial in undisturbed:
        assert 1e-4 <= trial.settings[LEARNING_RATE] <= 1e-2
        assert all(low <= trial.settings[name] <= high for name, (low, high) in BOUNDS.items())
        assert trial.settings[WARMUP] == (0.05 if trial.settings[DECAY] == "polynomial" else 0.0)


def test_what_does_badly_is_stopped_early_and_never_chosen(undisturbed):
    pruned = [trial for trial in undisturbed if trial.state == "pruned"]
    assert pruned and all(2 <= trial.epochs < 6 for trial in pruned)
    best = undisturbed[best_of(undisturbed)]
    assert best.state == "complete" and best.dice == max(trial.dice for trial in undisturbed)


@pytest.mark.parametrize("moment", range(1, 40, 4))
def test_a_search_that_is_killed_in_any_epoch_goes_on_with_the_same_trials(undisturbed, tmp_path: Path, moment: int):
    calls = iter(range(1000))

    def dying(settings: dict, watch) -> Course:
        def told(epoch: int, dice: float) -> bool:
            if next(calls) == moment:
                raise Killed
            return watch(epoch, dice)

        return train(settings, told)

    with suppress(Killed):
        search(tmp_path / "a.journal", OWN, BUDGET, dying)
    assert search(tmp_path / "a.journal", OWN, BUDGET, train) == undisturbed


def test_a_line_that_was_half_written_is_forgotten(undisturbed, tmp_path: Path):
    journal = tmp_path / "a.journal"
    search(journal, OWN, Budget(3, BUDGET.epochs, 0), train)
    journal.write_bytes(journal.read_bytes()[:-7])
    assert search(journal, OWN, BUDGET, train) == undisturbed


def test_more_trials_go_on_from_those_that_are_there_and_fewer_are_the_first_of_them(undisturbed, tmp_path: Path):
    journal = tmp_path / "a.journal"
    few = search(journal, OWN, Budget(2, BUDGET.epochs, 0), train)
    trained = []
    more = search(journal, OWN, BUDGET, lambda *args: trained.append(0) or train(*args))
    assert more[:2] == few and more == undisturbed and len(trained) == 6
    assert search(journal, OWN, Budget(2, BUDGET.epochs, 0), train) == few


def test_networks_are_tried_at_the_same_points_until_they_go_their_own_ways(undisturbed, tmp_path: Path):
    def other(settings: dict, watch) -> Course:
        return Course(settings[LEARNING_RATE], BUDGET.epochs, "complete")

    theirs = search(tmp_path / "a.journal", OWN, BUDGET, other)
    assert [trial.settings for trial in theirs[:5]] == [trial.settings for trial in undisturbed[:5]]
    assert theirs[7].settings != undisturbed[7].settings


def test_of_equal_trials_the_first_counts_so_that_nothing_replaces_a_default_for_nothing():
    trials = [Trial({}, dice, 1, state) for dice, state in ((0.5, "complete"), (0.9, "pruned"), (0.5, "complete"))]
    assert best_of(trials) == 0
    assert best_of(trials[1:2]) == 0


def test_settings_outside_the_bounds_are_a_point_at_the_bound():
    assert as_parameters({**OWN, WEIGHT_DECAY: 0.0})[WEIGHT_DECAY] == BOUNDS[WEIGHT_DECAY][0]


@pytest.mark.parametrize(("trials", "epochs"), [(0, 3), (3, 0)])
def test_a_budget_of_nothing_is_refused(trials: int, epochs: int):
    with pytest.raises(ValueError, match="at least one trial and one epoch"):
        Budget(trials, epochs, 0)
