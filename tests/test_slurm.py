"""The tests marked `slurm` need what tests/slurm/setup.sh sets up."""

import subprocess
import time

import pandas as pd
import pytest
from builders import make_cohort
from tiny_experiment import TESTS, assert_same_result, begin, tiny

from benchmark.resources import Resources
from benchmark.run import execute
from benchmark.run_folder import RunFolder, read_json
from benchmark.slurm import SlurmLauncher

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


def test_a_run_is_done_as_a_job(cohort, tmp_path):
    folder = begin(tmp_path / "runs", tiny(), cohort)
    SlurmLauncher(SMALL, tmp_path / "slurm", cluster="local")(folder)
    assert folder.state() == "done", folder.log.read_text()
    assert pd.read_csv(folder.cases)["subject"].nunique() == 2


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
    experiment = tiny(trainer={"devices": 2}, data={"batch_size": 1})
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
