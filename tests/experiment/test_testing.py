import os
import time

import pandas as pd
import pytest
import torch
from builders.cohorts import make_cohort
from builders.tiny_experiment import assert_same_result, begin, retest, tiny

import benchmark.experiment.testing
import benchmark.training.callbacks
from benchmark.checkpoints import SafeCheckpointIO
from benchmark.experiment.conditions import noisy
from benchmark.experiment.run import execute
from benchmark.experiment.scores import score_subject
from benchmark.labelling.predictions import prediction_file
from datamodules.files import read_json


class Killed(BaseException):
    """Ends a process wherever it is."""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=6)


@pytest.fixture(scope="module")
def undisturbed(cohort, tmp_path_factory):
    folder = begin(tmp_path_factory.mktemp("runs"), tiny(), cohort)
    execute(folder)
    return folder


def killed_while_predicting(folder, monkeypatch, call, work):
    """Let a test end when it is about to write its nth prediction."""
    original, calls = benchmark.training.callbacks.write_prediction, iter(range(1, 1000))

    def write(*args):
        if next(calls) == call:
            raise Killed
        return original(*args)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(benchmark.training.callbacks, "write_prediction", write)
        work()


def predictions(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.nii.gz")}


def test_an_interrupted_test_goes_on_with_the_next_subject(undisturbed, cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(), cohort)
    killed_while_predicting(folder, monkeypatch, 3, lambda: execute(folder))
    before = predictions(folder.predictions)
    assert len(before) == 2
    execute(folder)
    assert before.items() < predictions(folder.predictions).items()
    assert_same_result(folder, undisturbed)


def test_what_another_checkpoint_predicted_is_predicted_anew(cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(), cohort)
    killed_while_predicting(folder, monkeypatch, 3, lambda: execute(folder))
    before = predictions(folder.predictions)
    best = folder.checkpoints / "best.ckpt"
    checkpoint = torch.load(best, weights_only=True)
    checkpoint["state_dict"]["network.layers.4.bias"] += 1
    SafeCheckpointIO().save_checkpoint(checkpoint, best)
    execute(folder)
    after = predictions(folder.predictions)
    assert before.keys() < after.keys() and not before.items() & after.items()


def test_a_prediction_that_lacks_its_scores_is_scored_and_not_made_again(undisturbed, cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(), cohort)

    def refuse(*args):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(benchmark.experiment.testing, "score_subject", refuse)
        execute(folder)
    before = predictions(folder.predictions)
    assert len(before) == 3
    execute(folder)
    assert predictions(folder.predictions) == before
    assert_same_result(folder, undisturbed)


def test_a_subject_is_scored_by_another_process_while_the_next_one_is_predicted(cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(), cohort)

    def score(opened, subject, place):
        deadline = time.monotonic() + 60
        while subject == first and not prediction_file(place, second).exists():
            assert time.monotonic() < deadline, "the next subject waits for the scores of this one"
            time.sleep(0.01)
        (tmp_path / f"{subject}.pid").write_text(str(os.getpid()))
        return score_subject(opened, subject, place)

    first, second, third = folder.read_parts().test
    monkeypatch.setattr(benchmark.experiment.testing, "score_subject", score)
    execute(folder)
    scorers = {(tmp_path / f"{subject}.pid").read_text() for subject in (first, second, third)}
    assert str(os.getpid()) not in scorers
    assert read_json(folder.done)["seconds_per_subject"] > 0


def test_a_process_that_dies_scoring_fails_the_run_and_the_next_attempt_goes_on(cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(), cohort)
    with monkeypatch.context() as patch, pytest.raises(ChildProcessError, match="a process that scored has died"):
        patch.setattr(benchmark.experiment.testing, "score_subject", lambda *args: os._exit(9))
        execute(folder)
    execute(folder)
    assert folder.is_done()


def test_the_test_under_a_condition_goes_on_as_well(cohort, tmp_path, monkeypatch):
    whole, folder = begin(tmp_path / "whole", tiny(), cohort), begin(tmp_path / "halved", tiny(), cohort)
    for run in (whole, folder):
        execute(run)
    retest(whole, noisy("high"))
    killed_while_predicting(folder, monkeypatch, 2, lambda: retest(folder, noisy("high")))
    assert not (folder.path / "cases-noise-0.2.csv").exists()
    before = predictions(folder.path / "predictions-noise-0.2")
    retest(folder, noisy("high"))
    assert before.items() < predictions(folder.path / "predictions-noise-0.2").items()
    tables = [pd.read_csv(run.path / "cases-noise-0.2.csv") for run in (whole, folder)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
