import math

import pandas as pd

from benchmark.experiment.status import expect, status_table, summary, unmeasured

PROGRESS = pd.DataFrame(
    [
        ("a/fold-0", "a", "done", 4, 4, 40.0, 40.0),
        ("a/fold-1", "a", "running", 1, 4, 15.0, 60.0),
        ("a/fold-2", "a", "waiting", 0, 0, 0.0, math.nan),
        ("b/fold-0", "b", "waiting", 0, 0, 0.0, math.nan),
        ("c/fold-0", "c", "waiting", 0, 0, 0.0, math.nan),
    ],
    columns=["run", "variant", "state", "epoch", "epochs", "elapsed", "expected"],
)


def test_a_run_is_expected_to_take_as_long_as_its_variant_then_as_estimated_then_as_the_others():
    assert unmeasured(PROGRESS) == ["b", "c"]
    assert expect(PROGRESS, {"a": 1.0, "b": 7.0})["expected"].tolist() == [40, 60, 50, 7, 50]


def test_the_sentence_adds_up_what_is_left():
    rows = expect(PROGRESS, {"b": 7.0})
    assert summary(rows) == "1 done, 1 running, 3 waiting. One after the other the rest takes 0:02:32."
    assert status_table(rows)["epochs"].tolist() == ["4/4", "1/4", "-", "-", "-"]


def test_what_nothing_is_known_of_is_not_guessed():
    fresh = expect(PROGRESS[PROGRESS["epoch"] == 0], {})
    assert "known once a run has finished an epoch" in summary(fresh)
    assert set(status_table(fresh)["expected"]) == {"-"}
