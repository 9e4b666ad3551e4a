"""The report of a running grid."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.runs import write_runs

import benchmark.report.write
from benchmark.report.pending import in_words, pending_runs
from benchmark.report.watch import look, watch_report
from benchmark.runs.evidence import find_runs, gather, write_grid
from benchmark.runs.folder import RunFolder
from datamodules.files import write_json

RUN = "import sys; from benchmark.__main__ import main; main(sys.argv[1:])"
LAST = "unet3d/fold-1-seed-0"


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of a report's time."""
    monkeypatch.setattr(benchmark.report.write, "draw_all", lambda *_: ())


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """Four runs that are expected, the last of which has only begun."""
    runs = write_runs(tmp_path / "runs", cases_of(4))
    write_grid(runs, [run.record for run in find_runs([runs])])
    shutil.move(runs / LAST / "done.json", tmp_path / "done.json")
    write_json(RunFolder(runs / LAST).progress, {"epoch": 3, "epochs": 5, "seconds": 1})
    return runs


def finish(grid: Path) -> None:
    shutil.move(grid.parent / "done.json", grid / LAST / "done.json")


def test_what_is_pending_is_told_with_its_epochs(grid: Path):
    (evidence,) = gather([grid])
    (one,) = pending_runs(evidence, [grid])
    assert (one.run, one.state, one.epochs, one.reason) == (LAST, "waiting", "3 of 5", "not finished")
    shutil.rmtree(grid / LAST)
    (gone,) = pending_runs(gather([grid])[0], [grid])
    assert (gone.run, gone.state, gone.reason) == (LAST, "waiting", "missing")
    assert in_words(["waiting", "done", "waiting"]) == "1 done, 2 waiting"


def test_a_watched_report_is_written_again_as_runs_finish_and_ends_with_the_last(
    grid: Path, tmp_path: Path, no_figures: None
):
    pages = []

    def pause() -> None:
        pages.append((tmp_path / "report/report.html").read_text())
        if len(pages) == 2:
            finish(grid)

    made = watch_report([grid], tmp_path / "report", pause=pause)
    assert len(pages) == 2 and pages[0] == pages[1]  # not written again while nothing changes
    assert "Still to come: 1 waiting" in pages[0] and "Still to come" not in made.page.read_text()
    assert made.experiments[0].pending == ()


def test_a_watch_ends_when_what_is_left_has_failed(grid: Path, tmp_path: Path, no_figures: None):
    folder = RunFolder(grid / LAST)
    folder.lock.touch()
    write_json(folder.ended, {"state": "failed"})

    def pause() -> None:
        raise AssertionError("nothing is left to wait for")

    made = watch_report([grid], tmp_path / "report", pause=pause)
    assert [one.state for one in made.experiments[0].pending] == ["failed"]


def test_a_watch_waits_for_the_first_run(tmp_path: Path, no_figures: None):
    runs = write_runs(tmp_path / "runs", cases_of(4, networks=("vnet",)))
    write_grid(runs, [run.record for run in find_runs([runs])])
    done = [shutil.move(file, tmp_path / f"{place}.json") for place, file in enumerate(sorted(runs.rglob("done.json")))]
    assert not look([runs]).files

    def pause() -> None:
        for file, run in zip(done, find_runs([runs]), strict=True):
            shutil.move(file, run.folder.done)

    assert watch_report([runs], tmp_path / "report", pause=pause).experiments[0].remark == ""


def test_there_must_be_runs_to_watch(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no runs to watch"):
        watch_report([tmp_path], tmp_path / "report")


@pytest.mark.slow
def test_ctrl_c_stops_a_watch_and_leaves_whole_files(grid: Path, tmp_path: Path):
    command = [sys.executable, "-c", RUN, "report", str(grid), "--output", str(tmp_path / "report"), "--watch"]
    page = tmp_path / "report/report.html"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 120
        while not page.is_file():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in errors
    assert page.read_text().rstrip().endswith("</html>")
    assert list(tmp_path.joinpath("report").rglob(".*")) == []
