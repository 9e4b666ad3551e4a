"""The tests marked `slurm` need what tests/slurm/setup.sh sets up."""

import subprocess
import time

import pandas as pd
import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import TESTS, assert_same_result, begin, tiny
from submitit.core.utils import FailedJobError

import benchmark.launching.slurm
from benchmark.experiment.plan import plan, splits_of, training_jobs
from benchmark.experiment.run import execute
from benchmark.launching.launch import launch
from benchmark.launching.resources import Resources
from benchmark.launching.slurm import Queue, SlurmLauncher
from benchmark.runs.folder import RunFolder
from datamodules.files import read_json

SMALL = Resources(hours=0.5, gpus=0, cpus=1, memory_gb=2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


@pytest.fixture(autouse=True)
def jobs_find_the_networks_of_these_tests(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_resources_become_what_submitit_takes():
    asked = Resources(hours=2, partition="gpu", gpus=4, nodes=2, more={"slurm_account": "mine"}).parameters()
    assert asked["timeout_min"] == 120
    assert (asked["nodes"], asked["tasks_per_node"], asked["gpus_per_node"]) == (2, 4, 4)
    assert (asked["slurm_partition"], asked["slurm_account"]) == ("gpu", "mine")
    assert "gpus_per_node" not in SMALL.parameters()


def test_a_run_is_done_as_a_job(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.launching.slurm, "POLL_S", 0.1)
    folder = begin(tmp_path / "runs", tiny(), cohort)
    SlurmLauncher(SMALL, tmp_path / "slurm", cluster="local")(folder)
    assert folder.state() == "done", folder.log.read_text()
    assert pd.read_csv(folder.cases)["subject"].nunique() == 2


def test_slurms_queue_is_asked_once_for_all_jobs_and_believed_gone_only_when_it_answers(monkeypatch):
    answers, asked = [(0, "7\n8\n"), (0, "8\n"), (1, "")], []

    def squeue(command, **settings):
        asked.append(command)
        code, told = answers[min(len(asked), len(answers)) - 1]
        return subprocess.CompletedProcess(command, code, told, "")

    monkeypatch.setattr(subprocess, "run", squeue)
    queue = Queue()
    assert queue.holds("7") and queue.holds("8") and not queue.holds("9")
    assert len(asked) == 1
    queue.look_again()
    assert not queue.holds("7") and len(asked) == 2
    queue.look_again()
    assert queue.holds("7")  # for all that is known


def test_a_job_that_slurm_does_not_take_fails_that_run_alone(cohort, tmp_path, monkeypatch):
    def refuse(*args):
        raise FailedJobError("sbatch: error: invalid partition")

    launcher = SlurmLauncher(SMALL, tmp_path / "slurm", cluster="local")
    monkeypatch.setattr(launcher.executor, "submit", refuse)
    experiment = tiny()
    splits = splits_of(experiment, cohort)
    planned = plan(experiment, cohort, splits, tmp_path / "runs")
    outcomes = launch(training_jobs(planned, cohort, splits, "disabled"), launcher)
    assert [outcome.state for outcome in outcomes] == ["failed", "failed"]
    assert "SLURM doesn't take the job (sbatch: error: invalid partition)" in outcomes[0].message


def state_of(job: str) -> str:
    told = subprocess.run(
        ["squeue", "--noheader", "--format=%T", "--job", job], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


@pytest.mark.slurm
def test_a_run_is_done_on_slurm(cohort, tmp_path):
    folder = begin(tmp_path / "runs", tiny(), cohort)
    SlurmLauncher(SMALL, tmp_path / "slurm")(folder)
    assert folder.state() == "done", folder.log.read_text()


@pytest.mark.slurm
@pytest.mark.parametrize("preempt", [["scancel", "--signal=USR2"], ["scontrol", "requeue"]])
def test_a_preempted_job_is_queued_again_and_ends_with_the_same_result(cohort, tmp_path, preempt):
    experiment = tiny(trainer={"max_epochs": 300})
    undisturbed = begin(tmp_path / "undisturbed", experiment, cohort)
    execute(undisturbed)
    folder = begin(tmp_path / "runs", experiment, cohort)
    launcher = SlurmLauncher(SMALL, tmp_path / "slurm")
    job = launcher._submit(folder).job_id
    wait_until(lambda: (folder.checkpoints / "last.ckpt").exists())
    subprocess.run([*preempt, job], check=True)
    wait_until(lambda: state_of(job) == "PENDING")
    assert folder.state() in ("preempted", "interrupted")
    assert 0 < read_json(folder.progress)["epoch"] < 300
    SlurmLauncher(SMALL, tmp_path / "slurm")(folder)  # another command waits for the same job
    assert read_json(folder.path / "slurm.json") == {"job": job}
    assert folder.state() == "done", folder.log.read_text()
    assert_same_result(folder, undisturbed)


@pytest.mark.slurm
def test_the_tasks_of_a_job_are_the_ranks_of_a_run(cohort, tmp_path):
    experiment = tiny(trainer={"devices": 2})
    folder = begin(tmp_path / "runs", experiment, cohort)
    two = Resources(hours=0.5, gpus=0, cpus=1, memory_gb=2, more={"tasks_per_node": 2})
    SlurmLauncher(two, tmp_path / "slurm")(folder)
    assert RunFolder(folder.path).state() == "done", folder.log.read_text()
    assert read_json(folder.done)["devices"] == 2


def wait_until(true, seconds=300):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)
