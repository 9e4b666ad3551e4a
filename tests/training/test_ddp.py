import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, ranks_in, read_diary, retest, start, tiny, weights

from benchmark.experiment.conditions import Condition
from benchmark.experiment.run import execute
from benchmark.runs.folder import RunFolder
from datamodules.cohort.splits import load_splits

BOUND_S = 120


def run(folder: Path, cohort, *, processes: int, norm: str = "instance", **trainer) -> tuple[RunFolder, Path]:
    """One run with two patches a step, on one process or on two; and the diary of it."""
    folder.mkdir()
    diary = folder / "diary.txt"
    noted = {"class_path": "builders.tiny_experiment.Diary", "init_args": {"path": str(diary)}}
    experiment = tiny(
        settings={"dropout": 0.0, "norm": norm},
        trainer={"devices": processes, "callbacks": [noted], **trainer},
        data={"batch_size": 2 // processes},
    )
    begun = begin(folder, experiment, cohort)
    if processes == 1:
        execute(begun)
    else:
        assert start(begun).wait(BOUND_S) == 0, begun.log.read_text()
    return begun, diary


@pytest.mark.parametrize(
    "subjects", [5, pytest.param(6, marks=pytest.mark.slow), pytest.param(7, marks=pytest.mark.slow)]
)
def test_two_processes_do_what_one_does(tmp_path, subjects):
    cohort = make_cohort(tmp_path / "data", subjects)
    one, alone = run(tmp_path / "one", cohort, processes=1)
    two, together = run(tmp_path / "two", cohort, processes=2)

    assert ranks_in(together) == {"0", "1"}
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
    experiment = tiny(trainer={"devices": 2, "max_epochs": 100000}, data={"batch_size": 1})
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
    folder = begin(tmp_path, tiny(trainer={"devices": 2, "max_epochs": 100000}, data={"batch_size": 1}), cohort)
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
