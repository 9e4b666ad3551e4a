"""Every verb that writes, killed at random moments until it ends by itself: files are those of an undisturbed one."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import ENVIRONMENT, petmr, tiny, write_experiment

KILLS = 8
TIMES = {"done.json"}
"""Files that say how long something took."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_six_kills_lose_and_double_nothing(tmp_path):
    make_cohort(tmp_path / "data", subjects=4)
    write_experiment(tmp_path / "tiny.yaml", tiny({"tiny": "TinyNet"}))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    draw, kills = random.Random(0), 0
    for ours, theirs in zip(_verbs(tmp_path, whole), _verbs(tmp_path, killed), strict=True):
        length = _complete(ours.words)
        for _ in range(KILLS):
            kills += _start_and_kill(theirs.words, draw.uniform(0, length))
        _complete(theirs.words)
        assert _contents(killed, theirs.results) == _contents(whole, ours.results), theirs.words[0]
    assert kills >= 28, "the others had ended already"


@dataclass(frozen=True)
class Verb:
    """Words of a command, and patterns of the files that are its result."""

    words: Sequence[object]
    results: Sequence[str]


def _verbs(folder: Path, place: Path) -> list[Verb]:
    cohort, manifest = folder / "data/cohort", folder / "data/source/manifest.csv"
    runs, labels = place / "runs", place / "labels"
    trained = folder / "whole/runs"  # whose times are the same for all
    best = trained / "tiny/fold-0-seed-0/checkpoints/best.ckpt"
    training = ["run", folder / "tiny.yaml", "--cohort", cohort, "--output", runs, "--wandb", "disabled"]
    return [
        Verb(training, ["runs/*/*/cases.csv", "runs/*/*/predictions/*"]),
        Verb(["evaluate", runs, "--noise", "0.2"], ["runs/*/*/cases-*.csv"]),
        Verb(
            ["predict", "--checkpoint", "quick", "--source", manifest, "--output", labels],
            ["labels/*.nii.gz", "labels/volumes.csv"],
        ),
        Verb(["score", labels, manifest, "--output", place / "scores.csv"], ["scores.csv"]),
        Verb(["report", trained, "--output", place / "report"], ["report/**/*.csv", "report/**/*.md"]),
        Verb(["pack", trained, "--output", place / "runs.zip"], ["runs.zip"]),
        Verb(["shrink", best, place / "small.ckpt"], ["small.ckpt"]),
    ]


def _complete(words: Sequence[object]) -> float:
    """Seconds that a command takes."""
    began = time.monotonic()
    ended = petmr(*words)
    assert ended.returncode == 0, ended.stderr
    return time.monotonic() - began


def _start_and_kill(words: Sequence[object], seconds: float) -> bool:
    """Whether a command was still at work when it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *map(str, words)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


def _contents(place: Path, patterns: Sequence[str]) -> dict[str, bytes]:
    found = {
        str(path.relative_to(place)): path.read_bytes()
        for pattern in patterns
        for path in sorted(place.glob(pattern))
        if path.is_file() and path.name not in TIMES
    }
    assert found, patterns
    return found
