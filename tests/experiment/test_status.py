import json
import math

import pandas as pd
import pytest
from builders.tiny_experiment import petmr

from benchmark.experiment.status import expect, read_progress, standing, status_table, summary, unmeasured
from benchmark.runs.folder import RunFolder
from benchmark.runs.lock import locked

NAN = math.nan
PROGRESS = pd.DataFrame(
    [
        ("a/fold-0", "a", "done", 4, 4, 0.3, 0.8, 40.0, 0.0, 40.0),
        ("a/fold-1", "a", "running", 1, 4, 0.9, 0.25, 15.0, 45.0, 60.0),
        ("a/fold-2", "a", "waiting", 0, 0, NAN, NAN, 0.0, NAN, NAN),
        ("b/fold-0", "b", "waiting", 0, 0, NAN, NAN, 0.0, NAN, NAN),
        ("c/fold-0", "c", "waiting", 0, 0, NAN, NAN, 0.0, NAN, NAN),
    ],
    columns=["run", "variant", "state", "epoch", "epochs", "loss", "dice", "elapsed", "left", "expected"],
)


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "runs/vnet/fold-0-seed-0")
    folder.path.mkdir(parents=True)
    return folder


def write_progress(run, **entries):
    run.progress.write_text(json.dumps(entries))


def test_a_run_is_expected_to_take_as_long_as_its_variant_then_as_estimated_then_as_the_others():
    assert unmeasured(PROGRESS) == ["b", "c"]
    assert expect(PROGRESS, {"a": 1.0, "b": 7.0})["expected"].tolist() == [40, 60, 50, 7, 50]


def test_the_sentence_adds_up_what_is_left():
    rows = expect(PROGRESS, {"b": 7.0})
    assert summary(rows) == "1 done, 1 running, 3 waiting. One after the other the rest takes 0:02:32."
    assert status_table(rows)["epochs"].tolist() == ["4/4", "1/4", "-", "-", "-"]
    assert summary(rows[rows["state"] == "done"]) == "1 done."


def test_the_table_says_loss_dice_and_time_left_of_each_run():
    table = status_table(expect(PROGRESS, {"b": 7.0}))
    assert table["loss"].tolist() == ["0.300", "0.900", "-", "-", "-"]
    assert table["Dice"].tolist() == ["0.800", "0.250", "-", "-", "-"]
    assert table["elapsed"].tolist()[:2] == ["0:00:40", "0:00:15"]
    assert table["left"].tolist() == ["-", "0:00:45", "0:00:50", "0:00:07", "0:00:50"]


def test_what_nothing_is_known_of_is_not_guessed():
    fresh = expect(PROGRESS[PROGRESS["epoch"] == 0], {})
    assert "known once a run has finished an epoch" in summary(fresh)
    assert set(status_table(fresh)["left"]) == {"-"}


def test_one_line_says_what_a_run_is_at(run):
    assert standing(run) == "vnet/fold-0-seed-0: begins"
    write_progress(run, epoch=2, epochs=5, seconds=60.0, left=61.7, loss=0.41234, dice=0.62)
    assert standing(run) == "vnet/fold-0-seed-0: epoch 2/5, loss 0.412, Dice 0.620, 0:01:02 left"
    scored = run.predictions / "scored"
    scored.mkdir(parents=True)
    (scored / "s1.csv").touch()
    assert standing(run) == "vnet/fold-0-seed-0: 1 subject tested"


def test_what_a_run_does_not_say_of_itself_is_left_open_or_follows_from_its_epochs(run):
    write_progress(run, epoch=1, epochs=5, seconds=10.0)
    assert standing(run) == "vnet/fold-0-seed-0: epoch 1/5, loss -, Dice -, 0:00:40 left"
    write_progress(run, epoch=0, epochs=None, step=3, steps=None, seconds=1.0, left=None, loss=None, dice=None)
    assert standing(run) == "vnet/fold-0-seed-0: begins"
    assert math.isnan(read_progress([run])["expected"].item())


def test_petmr_status_shows_a_going_run_and_writes_it_down(run, tmp_path):
    (run.record).write_text("{}")
    write_progress(run, epoch=2, epochs=5, seconds=60.0, left=90.0, loss=0.5, dice=0.75)
    with locked(run.lock):
        told = petmr("status", tmp_path / "runs", "--json", tmp_path / "status.json")
    assert told.returncode == 0, told.stderr
    (row,) = json.loads((tmp_path / "status.json").read_text())
    shown = {"state": "running", "epochs": "2/5", "loss": "0.500", "Dice": "0.750", "left": "0:01:30"}
    assert shown.items() <= row.items()
    assert all(value in told.stdout for value in shown.values())
