import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from builders.cohorts import make_cohort
from builders.tiny_experiment import ENVIRONMENT, begin, ranks_in, read_diary, retest, start, tiny, weights
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from benchmark.experiment.conditions import Condition
from benchmark.experiment.run import execute
from benchmark.runs.folder import RunFolder
from benchmark.training.cli import build
from benchmark.training.rank import BY_SLURM, is_first
from datamodules.cohort.splits import load_splits
from datamodules.files import read_json

BOUND_S = 120

ALLOCATION = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "sbatch",
    "SLURM_NTASKS": "1",
    "SLURM_NNODES": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "localhost",
}
"""What a batch script of one task finds in its environment."""


def run(folder: Path, cohort, *, processes: int, norm: str = "instance", **trainer) -> tuple[RunFolder, Path]:
    """One run with two patches a step, on one process or on two; and the diary of it."""
    folder.mkdir()
    diary = folder / "diary.txt"
    noted = {"class_path": "builders.tiny_experiment.Diary", "init_args": {"path": str(diary)}}
    experiment = tiny(
        settings={"dropout": 0.0, "norm": norm},
        trainer={"devices": processes, "callbacks": [noted], **trainer},
    )
    begun = begin(folder, experiment, cohort)
    if processes == 1:
        execute(begun)
    else:
        assert start(begun).wait(BOUND_S) == 0, begun.log.read_text()
    return begun, diary


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("subjects", "norm", "environment"),
    [
        (5, "instance", ALLOCATION),  # which isn't believed, as its one task doesn't start the ranks
        pytest.param(6, "instance", {}, marks=SLOW),
        pytest.param(7, "instance", {}, marks=SLOW),
        (5, "batch", {}),
    ],
)
def test_two_processes_do_what_one_does(tmp_path, monkeypatch, subjects, norm, environment):
    for name, value in environment.items():
        monkeypatch.setitem(ENVIRONMENT, name, value)
    cohort = make_cohort(tmp_path / "data", subjects)
    one, alone = run(tmp_path / "one", cohort, processes=1, norm=norm)
    two, together = run(tmp_path / "two", cohort, processes=2, norm=norm)

    assert ranks_in(together) == {"0", "1"}
    assert read_json(two.done)["devices"] == read_json(two.done)["world_size"] == 2
    assert read_diary(together) == read_diary(alone)  # the same patches in every step, every subject once
    fold = load_splits(cohort, 2, 0).folds[0]
    assert [entry[1] for entry in read_diary(together) if entry[0] == "test"] == sorted(fold.test)
    validated = [entry[2] for entry in read_diary(together) if entry[:2] == ("validation", "2")]
    assert validated == sorted(fold.validation)

    for name, value in weights(one).items():
        torch.testing.assert_close(weights(two)[name], value, rtol=1e-3, atol=1e-4)
    scores = [pd.read_csv(folder.cases).sort_values(["subject", "label"], ignore_index=True) for folder in (one, two)]
    assert scores[0]["subject"].nunique() == len(fold.test)
    pd.testing.assert_frame_equal(*(table[["subject", "structure", "dice"]] for table in scores), atol=0.01)


def test_what_our_slurm_launcher_started_takes_its_ranks_from_slurm(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 0, raising=False)  # Lightning's, which the trainer below will set
    experiment = tiny(trainer={"devices": 2})
    folder = begin(tmp_path, experiment, make_cohort(tmp_path / "data", 5))
    for name, value in {**ALLOCATION, "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "1"}.items():
        monkeypatch.setenv(name, value)
    assert is_first()
    monkeypatch.setenv(BY_SLURM, "1")
    assert not is_first()
    assert build(["--config", str(folder.config)], run=False).trainer.world_size == 2


def test_fewer_ranks_than_devices_are_refused_before_the_first_step(tmp_path, monkeypatch):
    folder = begin(tmp_path, tiny(trainer={"devices": 2}), make_cohort(tmp_path / "data", 5))
    monkeypatch.setitem(ENVIRONMENT, BY_SLURM, "1")
    for name, value in ALLOCATION.items():
        monkeypatch.setitem(ENVIRONMENT, name, value)
    assert start(folder).wait(BOUND_S) != 0
    assert "1 process trains, but trainer.devices and num_nodes ask for 2" in read_json(folder.ended)["error"]
    assert not folder.checkpoints.exists()


@pytest.mark.slow
def test_processes_that_cannot_share_a_step_are_refused_with_the_choices(tmp_path):
    experiment = tiny(trainer={"devices": 2}, data={"batch_size": 3})
    folder = begin(tmp_path, experiment, make_cohort(tmp_path / "data", 5))
    assert start(folder).wait(BOUND_S) != 0
    assert "3 patches of a step can't be shared by 2 processes: train with 1 or 3" in read_json(folder.ended)["error"]


@pytest.mark.slow
def test_batch_norm_has_the_same_statistics_wherever_a_subject_is_tested(tmp_path):
    cohort = make_cohort(tmp_path / "data", 7)
    folder, _ = run(tmp_path / "two", cohort, processes=2, norm="batch")
    before = pd.read_csv(folder.cases)
    retest(folder, Condition("alone", {}, {}))
    pd.testing.assert_frame_equal(pd.read_csv(folder.path / "cases-alone.csv"), before, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("first_dies", [True, False])
def test_a_rank_that_dies_ends_the_run_within_a_bound(tmp_path, first_dies):
    cohort = make_cohort(tmp_path / "data", 5)
    experiment = tiny(trainer={"devices": 2, "max_epochs": 100000})
    folder = begin(tmp_path, experiment, cohort)
    process = start(folder)
    deadline = time.monotonic() + BOUND_S
    while not (folder.checkpoints / "last.ckpt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (child,) = _ranks_of(process.pid)
    os.kill(process.pid if first_dies else child, signal.SIGKILL)
    assert process.wait(60) != 0
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert folder.state() in ("failed", "interrupted")


@pytest.mark.slow
def test_sigterm_to_two_ranks_leaves_the_run_preempted(tmp_path):
    cohort = make_cohort(tmp_path / "data", 5)
    folder = begin(tmp_path, tiny(trainer={"devices": 2, "max_epochs": 100000}), cohort)
    process = start(folder)
    deadline = time.monotonic() + BOUND_S
    while not (folder.checkpoints / "last.ckpt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.wait(60) != 0
    assert folder.state() == "preempted"


def _ranks_of(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [child for child in children if b"benchmark.experiment.work" in Path(f"/proc/{child}/cmdline").read_bytes()]
