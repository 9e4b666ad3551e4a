import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from builders.cohorts import make_cohort
from builders.forked import Forked
from builders.tiny_experiment import (
    ENVIRONMENT,
    assert_same_result,
    begin,
    petmr,
    start,
    tiny,
    work_on,
    write_experiment,
)

import benchmark.checkpoints
import benchmark.experiment.run
import benchmark.experiment.testing
import benchmark.training.callbacks
from benchmark.experiment.definition import SHIPPED, load_experiment
from benchmark.experiment.run import execute
from benchmark.runs.folder import RunFolder
from datamodules.files import read_json


class Killed(BaseException):
    """Ends a process wherever it is, as far as files can tell."""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


@pytest.fixture(scope="module")
def undisturbed(cohort, tmp_path_factory):
    folder = begin(tmp_path_factory.mktemp("runs"), tiny(), cohort)
    work_on(folder)
    return folder


def test_a_training_that_ends_before_its_first_validation_says_so(cohort, tmp_path):
    folder = begin(tmp_path, tiny(data={"epoch_length": 8}, trainer={"max_steps": 2}), cohort)
    with pytest.raises(ValueError, match=r"ended after 2 steps, before its first validation.* an epoch has 4 steps"):
        work_on(folder)


def test_a_run_ends_with_scores_of_all_its_test_subjects_and_its_marker(undisturbed, cohort):
    tested = pd.read_csv(undisturbed.cases)["subject"]
    assert set(tested) == {path.name.removesuffix("_dseg.nii.gz") for path in undisturbed.predictions.iterdir()}
    assert len(set(tested)) == 2
    assert undisturbed.state() == "done"
    done = read_json(undisturbed.done)
    assert done["epochs"] == 3
    assert done["numerics"] == {
        "precision": "32-true",
        "matmul_precision": "highest",
        "deterministic": "warn",
        "cudnn_benchmark": False,
    }


def die_at(monkeypatch, module, name, call):
    """Let the nth call of a function end everything before it has done anything."""
    original, calls = getattr(module, name), iter(range(1, 1000))

    def dying(*args, **settings):
        if next(calls) == call:
            raise Killed
        return original(*args, **settings)

    monkeypatch.setattr(module, name, dying)


MOMENTS = {
    "the first checkpoint": (benchmark.checkpoints.torch, "save", 1),
    "between best and last of the first epoch": (benchmark.checkpoints.torch, "save", 2),
    "between best and last of the second epoch": (benchmark.checkpoints.torch, "save", 4),
    "training": (benchmark.training.task, "dice_ce_losses", 5),
    "predicting": (benchmark.training.callbacks, "write_prediction", 2),
    "dropping the optimizer": (benchmark.experiment.run, "drop_optimizer", 1),
    "saying that training is over": (benchmark.experiment.run, "write_json", 1),
    "scoring": (benchmark.experiment.testing, "score_subject", 2),
    "the table of cases": (benchmark.experiment.run, "write_csv", 1),
    "the completion marker": (benchmark.experiment.run, "write_json", 2),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_dies_at_any_moment_goes_on_to_the_same_result(undisturbed, cohort, tmp_path, monkeypatch, moment):
    folder = begin(tmp_path, tiny(), cohort)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(patch, *MOMENTS[moment])
        execute(folder)
    assert not folder.is_done()
    execute(folder)
    assert_same_result(folder, undisturbed)


SPARSE = tiny(trainer={"max_epochs": 5}, data={"validation": {"subjects": 1, "every": 3}})
"""Two steps an epoch: validated after the second and the fourth of five."""


@pytest.mark.parametrize("step", [3, 5, 9])
def test_validation_now_and_then_chooses_among_its_epochs_and_resumes_to_the_same_result(
    cohort, tmp_path, monkeypatch, step
):
    whole, folder = (begin(tmp_path / name, SPARSE, cohort) for name in ("whole", "part"))
    execute(whole)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(patch, benchmark.training.task, "dice_ce_losses", step)
        execute(folder)
    execute(folder)
    assert_same_result(folder, whole)
    assert torch.load(whole.checkpoints / "best.ckpt", weights_only=True)["epoch"] in (1, 3)
    assert read_json(whole.done)["steps"] == 10
    validated = pd.read_csv(whole.path / "log/version_0/metrics.csv")[["epoch", "val/dice"]].dropna()
    assert validated["epoch"].tolist() == [1, 3]
    assert len(read_json(whole.done)["validated"]) == 1


def test_a_training_that_is_shorter_than_the_interval_is_validated_at_its_end(cohort, tmp_path):
    folder = begin(tmp_path, tiny(data={"validation": {"every": 1000}}), cohort)
    execute(folder)
    assert torch.load(folder.checkpoints / "best.ckpt", weights_only=True)["epoch"] == 2


def test_a_folder_that_has_moved_goes_on_and_knows_its_best_epoch(undisturbed, cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path / "here", tiny(), cohort)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(patch, benchmark.training.task, "dice_ce_losses", 5)
        execute(folder)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = begin(tmp_path / "there", tiny(), cohort)
    execute(moved)
    assert_same_result(moved, undisturbed)


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.005)


def test_kill_9_leaves_a_run_interrupted_and_it_goes_on_to_the_same_result(undisturbed, cohort, tmp_path):
    folder = begin(tmp_path, tiny(), cohort)
    process = start(folder)
    wait_for(folder.checkpoints / "best.ckpt")
    assert folder.state() == "running"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert folder.state() == "interrupted"
    execute(folder)
    assert_same_result(folder, undisturbed)


def test_sigterm_leaves_a_run_preempted_and_it_goes_on_to_the_same_result(cohort, tmp_path):
    long = tiny(trainer={"max_epochs": 400})
    folder = begin(tmp_path, long, cohort)
    process = start(folder)
    wait_for(folder.checkpoints / "last.ckpt")
    process.terminate()
    assert process.wait(20) != 0
    assert folder.state() == "preempted"
    assert 0 < read_json(folder.progress)["epoch"] < 400


@pytest.mark.parametrize("sign", ["lock", "progress.json"])
def test_an_orphan_stops_by_itself(cohort, tmp_path, sign):
    folder = begin(tmp_path, tiny(trainer={"max_epochs": 100_000}), cohort)
    said = tmp_path / "said"
    parent = Forked("builders.launch_one", folder.path, out=said, err=said, environment=ENVIRONMENT)
    wait_for(folder.path / sign)
    parent.kill()
    deadline = time.monotonic() + 30
    while folder.state() == "running":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert folder.state() == "preempted"


SHORTER = {"data": {"epoch_length": 16}}
"""Than the demo's epochs, whose scale it is otherwise."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_networks_killed_five_times_at_random_end_with_the_tables_of_undisturbed_ones(tmp_path):
    cohort = make_cohort(tmp_path / "data", subjects=4).path
    overall = load_experiment(SHIPPED / "overall.yaml", "demo")
    file = write_experiment(tmp_path / "overall.yaml", replace(overall, folds=2, config=SHORTER))
    command = ["run", file, "--cohort", cohort, "--jobs", "2", "--output"]
    undisturbed = petmr(*command, tmp_path / "whole")
    assert undisturbed.returncode == 0, undisturbed.stderr
    draw = random.Random(0)
    for kill in range(5):
        _start_and_kill([*command, tmp_path / "killed"], draw.uniform(10, 60), parent=kill % 2 == 0)
    assert petmr(*command, tmp_path / "killed").returncode == 0
    reports = [tmp_path / name / "report" / overall.name for name in ("whole", "killed")]
    tables = [{path.relative_to(report): path.read_bytes() for path in report.rglob("*.csv")} for report in reports]
    assert len(tables[0]) > 20
    assert tables[0] == tables[1]


def _start_and_kill(command, seconds, *, parent):
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *map(str, command)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    if parent:
        process.kill()
    else:
        for child in _children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.wait(300)
    process.wait()


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def test_a_command_that_waited_for_another_one_finds_the_run_done(undisturbed):
    before = undisturbed.done.stat().st_mtime_ns
    assert start(undisturbed).wait(60) == 0
    assert undisturbed.done.stat().st_mtime_ns == before


def test_what_a_killed_process_was_writing_goes(cohort, tmp_path):
    folder = begin(tmp_path, tiny(), cohort)
    left = [folder.checkpoints / ".4711.last.ckpt", folder.path / ".4711.cases.csv"]
    folder.checkpoints.mkdir()
    for path in left:
        path.touch()
    assert start(folder).wait(60) == 0
    assert not any(path.exists() for path in left)


def test_the_first_error_of_several_ranks_is_kept(cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny({"bad": "BadNet"}), cohort)
    with pytest.raises(RuntimeError):
        work_on(folder)
    assert read_json(folder.ended)["error"] == "RuntimeError: this network has no idea"
    folder.ended.write_text('{"state": "failed", "error": "what the other rank saw"}')
    with pytest.raises(RuntimeError):
        work_on(folder)
    assert read_json(folder.ended)["error"] == "what the other rank saw"


def test_nothing_is_trained_again_when_only_scoring_was_left(undisturbed, cohort, tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(), cohort)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        die_at(patch, benchmark.experiment.testing, "score_subject", 1)
        execute(folder)
    before = (folder.checkpoints / "best.ckpt").stat().st_mtime_ns
    execute(folder)
    assert (folder.checkpoints / "best.ckpt").stat().st_mtime_ns == before
    assert len(list(folder.path.glob("log/*"))) == 2  # one of them the test's


def test_a_finished_run_keeps_its_best_weights_alone(undisturbed):
    assert [path.name for path in undisturbed.checkpoints.iterdir()] == ["best.ckpt"]
    checkpoint = torch.load(undisturbed.checkpoints / "best.ckpt", weights_only=True)
    assert "optimizer_states" not in checkpoint
    assert checkpoint["epoch"] == 2  # so that equal weights mean an equal training to its end


def test_a_finished_run_is_left_alone(undisturbed):
    assert RunFolder(undisturbed.path).is_done()
