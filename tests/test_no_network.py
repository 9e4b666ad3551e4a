"""Nothing of the suite asks the network for anything, W&B aside: sockets that reach beyond this machine are refused."""

import subprocess
import sys

import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import ENVIRONMENT, petmr, tiny, write_experiment

GUARD = """
import sys

def refuse(event, words):
    if event == "socket.getaddrinfo" and words[0] not in (None, "localhost", "127.0.0.1"):
        raise SystemExit(f"asked for the address of {words[0]}")
    if event == "socket.connect" and isinstance(words[1], tuple) and words[1][0] not in ("127.0.0.1", "::1"):
        raise SystemExit(f"connected to {words[1]}")

sys.addaudithook(refuse)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_run_report_and_predict_reach_for_nothing_beyond_this_machine(tmp_path, monkeypatch):
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard/sitecustomize.py").write_text(GUARD)  # which every Python process imports first
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{tmp_path / 'guard'}:{ENVIRONMENT['PYTHONPATH']}")
    assert "asked for" in _python("import urllib.request; urllib.request.urlopen('http://example.org')")
    assert "connected to" in _python("import socket; socket.socket().connect(('192.0.2.1', 80))")

    cohort, runs = make_cohort(tmp_path / "data", subjects=4), tmp_path / "runs"
    file = write_experiment(tmp_path / "tiny.yaml", tiny({"unet3d": "TinyNet"}))
    for words in (
        ["run", file, "--cohort", cohort.path, "--output", runs, "--wandb", "disabled"],
        ["report", runs, "--output", tmp_path / "report"],
        ["predict", "--checkpoint", "quick", "--source", tmp_path / "data/source", "--output", tmp_path / "labels"],
    ):
        ended = petmr(*words)
        assert ended.returncode == 0, ended.stderr
        assert "asked for" not in ended.stderr and "connected to" not in ended.stderr


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True).stderr
