from types import SimpleNamespace

import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, start, tiny

import benchmark.training.progress
from benchmark.experiment.run import execute
from benchmark.training.progress import Standing
from datamodules.files import read_json


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


class Clock:
    """Moves by seconds whenever it is looked at, and keeps what was written when."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.seconds, self.written = 0.0, seconds, []
        monkeypatch.setattr(benchmark.training.progress, "time", SimpleNamespace(monotonic=self.look))
        monkeypatch.setattr(benchmark.training.progress, "write_json", lambda path, value: self.written.append(value))

    def look(self):
        self.now += self.seconds
        return self.now


def test_a_run_writes_its_standing_at_a_bounded_rate_and_after_every_epoch(cohort, tmp_path, monkeypatch):
    long = tiny(trainer={"max_epochs": 2, "log_every_n_steps": 2}, data={"epoch_length": 20})
    folder = begin(tmp_path, long, cohort)
    with monkeypatch.context() as patch:
        clock = Clock(patch, seconds=0.9)
        execute(folder)
    written = [Standing(**value) for value in clock.written]
    assert [(one.epoch, one.step) for one in written] == [(0, 0), (0, 6), (1, 10), (1, 16), (2, 20)]
    assert {(one.epochs, one.steps) for one in written} == {(2, 20)}
    assert (written[0].left, written[0].loss, written[0].dice) == (None, None, None)
    assert written[1].left == pytest.approx(written[1].seconds / 6 * 14, rel=0.1)
    assert written[1].loss > 0 and written[1].dice is None
    assert 0 < written[2].dice < 1
    assert written[-1].left == 0


def test_the_log_of_a_run_holds_a_line_an_epoch_and_nothing_of_third_parties(cohort, tmp_path):
    folder = begin(tmp_path, tiny(trainer={"max_epochs": 2}), cohort)
    assert start(folder).wait(120) == 0
    lines = folder.log.read_text().splitlines()
    validated = ", ".join(read_json(folder.done)["validated"])
    assert f"Validation of 1 of 1 subjects every 2 steps: {validated}" in lines
    told = [line for line in lines if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in told] == ["epoch 1 of 2, step 2 of 4", "epoch 2 of 2, step 4 of 4"]
    assert "loss 2." in told[0] and "validation Dice 0." in told[0] and told[1].endswith("0:00:00 left")
    assert not [line for line in lines if "Tip" in line or "Warn" in line or "deprecated" in line or "smaller" in line]


def test_seconds_go_on_where_an_interrupted_process_stopped(cohort, tmp_path):
    folder = begin(tmp_path, tiny(), cohort)
    folder.progress.write_text('{"epoch": 0, "seconds": 1000.0, "dice": 0.25}')
    execute(folder)
    assert 1000 < read_json(folder.progress)["seconds"] < 1100
    assert read_json(folder.done)["epochs"] == 3
