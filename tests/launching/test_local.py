import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from threading import Thread

import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import ENVIRONMENT, TESTS, begin, heed_ctrl_c, tiny

from benchmark.experiment.definition import expand
from benchmark.experiment.plan import plan, splits_of, training_jobs
from benchmark.launching.forking import IMPORTED
from benchmark.launching.launch import launch
from benchmark.launching.local import LocalLauncher, gpus, share_of_machine, slots
from datamodules.files import read_json


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


def launched(cohort, folder, launcher, experiment):
    splits = splits_of(experiment, cohort)
    jobs = training_jobs(plan(experiment, cohort, splits, folder), cohort, splits, "disabled")
    return launch(jobs, launcher), jobs


def test_runs_are_forked_from_one_process_without_threads_each_with_its_own_devices(cohort, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    experiment = tiny({"witness": "WitnessNet"}, {"notes": str(tmp_path)}, trainer={"max_epochs": 1})
    outcomes, jobs = launched(cohort, tmp_path, LocalLauncher(["3", "4"]), experiment)
    assert [outcome.state for outcome in outcomes] == ["done", "done"], outcomes
    one, other = (json.loads(path.read_text()) for path in tmp_path.glob("*.json"))
    assert one["parent"] == other["parent"] != os.getpid()
    assert one["threads_of_parent"] == other["threads_of_parent"] == 1
    assert one["session"] and one["input"] == ""
    assert one["children_begin_by"] == multiprocessing.get_start_method()
    assert one["signals_held_back"] == other["signals_held_back"] == 0
    assert {one["gpus"], other["gpus"]} == {"3", "4"}
    share = max(1, os.cpu_count() // 2)
    assert one["threads"] == share and one["threads_of_children"] == str(share)
    assert all("max_epochs=1" in job.place.log.read_text() for job in jobs)


def test_a_run_leaves_what_all_share_to_the_next_one(cohort, tmp_path):
    experiment = tiny(trainer={"max_epochs": 1})
    splits = splits_of(experiment, cohort)
    jobs = training_jobs(plan(experiment, cohort, splits, tmp_path), cohort, splits, "offline")
    assert [outcome.state for outcome in launch(jobs, LocalLauncher([None]))] == ["done", "done"]


def test_a_forked_run_starts_its_ranks(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    experiment = tiny(trainer={"devices": 2, "max_epochs": 1}, data={"batch_size": 2})
    folder = begin(tmp_path, experiment, cohort)
    LocalLauncher([None])(folder)
    assert folder.state() == "done", folder.log.read_text()
    assert read_json(folder.done)["devices"] == 2
    assert "distributed_backend=gloo" in folder.log.read_text()


def test_a_run_that_is_killed_says_so_in_its_log_and_the_others_go_on(cohort, tmp_path):
    experiment = tiny({"a": "TinyNet"}, trainer={"max_epochs": 20})
    first = expand(experiment)[0].name

    def kill():
        lock = tmp_path / first / "lock"
        while not (tmp_path / first / "progress.json").is_file():
            time.sleep(0.01)
        os.kill(int(lock.read_text().split()[1]), signal.SIGKILL)

    Thread(target=kill).start()
    outcomes, jobs = launched(cohort, tmp_path, LocalLauncher([None]), experiment)
    assert [outcome.state for outcome in outcomes] == ["interrupted", "done"]
    assert "The process was ended by SIGKILL." in jobs[0].place.log.read_text()
    assert outcomes[0].message.startswith("The process was ended by SIGKILL.")  # before the end of the log
    for remedy in ("memory", "--jobs", "data.batch_size", "checkpointing: true", "--dry-run"):
        assert remedy in outcomes[0].message


IMPORTING = """
import time
from benchmark.launching.forking import begin_importing
begin_importing()
try:
    print(flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    pass
"""


def test_ctrl_c_while_runs_are_imported_ends_in_no_traceback():
    command = [sys.executable, "-c", IMPORTING]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=ENVIRONMENT, preexec_fn=heed_ctrl_c, start_new_session=True) as process:
        process.stdout.readline()
        time.sleep(1)  # into the imports
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate()[1] == b""
    assert process.returncode == 0


TOUCHED = """
import torch
touched = []
for name in ("is_available", "device_count", "current_device", "_lazy_init", "init"):
    setattr(torch.cuda, name, lambda *args, name=name, **settings: touched.append(name) or 0)
"""


def test_what_is_imported_before_the_fork_touches_no_gpu():
    command = [sys.executable, "-c", f"{TOUCHED}import {IMPORTED}\nprint(touched, torch.cuda.is_initialized())"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert told.stdout == "[] False\n"


@pytest.mark.parametrize(
    ("devices", "each", "jobs", "expected"),
    [
        ([], 1, None, [None]),
        ([], 1, 3, [None, None, None]),
        (["0", "1"], 1, None, ["0", "1"]),
        (["0", "1"], 1, 4, ["0", "1", "0", "1"]),
        (["0", "1", "2", "3"], 2, None, ["0,1", "2,3"]),
        (["0", "1", "2"], 2, None, ["0,1"]),
        (["0"], 2, None, [None]),
        (["4", "7"], 1, 1, ["4"]),
    ],
)
def test_gpus_are_shared_out_in_groups_of_what_a_run_uses(devices, each, jobs, expected):
    assert slots(devices, each, jobs) == expected


def test_the_gpus_that_may_be_used_are_those_that_the_environment_allows(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert gpus() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == []


@pytest.mark.parametrize(
    ("asked", "threads"), [("3", "3"), ("3,2", "3"), (" 3 ", "3"), ("", "1"), ("0", "1"), ("all", "1")]
)
def test_threads_are_those_that_openmp_would_start_or_a_share_where_it_takes_no_notice(monkeypatch, asked, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert share_of_machine(os.cpu_count(), None)["OMP_NUM_THREADS"] == threads
