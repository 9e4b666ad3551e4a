"""Every verb that writes, killed at random moments until it ends by itself: files are those of an undisturbed one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import ENVIRONMENT, petmr, tiny, write_experiment

KILLS = 8
TIMES = {"ended.json", "progress.json"}
"""Files that say when something happened."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_six_kills_lose_and_double_nothing(tmp_path, record_property):
    make_cohort(tmp_path / "data", subjects=4)
    write_experiment(tmp_path / "tiny.yaml", tiny({"tiny": "TinyNet"}))
    places = {name: tmp_path / name for name in ("whole", "killed")}
    draw, kills = random.Random(0), 0
    for place in places.values():
        place.mkdir()
    for words, results in _verbs(tmp_path):
        began = time.monotonic()
        ended = petmr(*words, cwd=places["whole"])
        assert ended.returncode == 0, ended.stderr
        length = time.monotonic() - began
        for _ in range(KILLS):
            kills += _start_and_kill(words, places["killed"], draw.uniform(0, length))
        ended = petmr(*words, cwd=places["killed"])
        assert ended.returncode == 0, ended.stderr
        assert _contents(places["killed"], results) == _contents(places["whole"], results), words[0]
    record_property("killed before they ended", kills)
    assert kills >= 28


def _verbs(folder: Path):
    """Words of each verb, and which of the files that it writes are its result."""
    cohort, runs = folder / "data/cohort", "runs"
    run = ["run", folder / "tiny.yaml", "--cohort", cohort, "--output", runs, "--wandb", "disabled"]
    best = f"{runs}/tiny/fold-0-seed-0/checkpoints/best.ckpt"
    quick = ["predict", "--checkpoint", "quick", "--source", folder / "data/source/manifest.csv", "--output", "labels"]
    return [
        (run, [f"{runs}/*/*/cases.csv", f"{runs}/*/*/predictions/*"]),
        (["evaluate", runs, "--noise", "0.2"], [f"{runs}/*/*/cases-*.csv"]),
        (quick, ["labels/*.nii.gz", "labels/volumes.csv"]),
        (["score", "labels", folder / "data/source/manifest.csv", "--output", "scores.csv"], ["scores.csv"]),
        (["report", runs, "--output", "report"], ["report/**/*.csv", "report/**/*.md"]),
        (["pack", runs, "--output", "runs.zip"], ["runs.zip"]),
        (["shrink", best, "small.ckpt"], ["small.ckpt"]),
    ]


def _start_and_kill(words: list[object], place: Path, seconds: float) -> bool:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *map(str, words)],
        env=ENVIRONMENT,
        cwd=place,
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


def _contents(place: Path, patterns: list[str]) -> dict[str, bytes]:
    found = {
        str(path.relative_to(place)): path.read_bytes()
        for pattern in patterns
        for path in sorted(place.glob(pattern))
        if path.is_file() and path.name not in TIMES
    }
    assert found, patterns
    return found
