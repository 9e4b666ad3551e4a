import io
import time

import pandas as pd
import pytest
from rich.console import Console

from benchmark import console


@pytest.fixture
def terminal(monkeypatch):
    """What is drawn in a terminal of 100 columns, on either stream."""
    drawn = io.StringIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(console, name, Console(file=drawn, force_terminal=True, width=100))
    return drawn


def wait_until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_without_a_terminal_each_item_is_a_line_and_so_is_what_changes_meanwhile(capsys, monkeypatch):
    monkeypatch.setattr(console, "QUIET_S", 0.0)
    going = ["a: epoch 1/5", "b: begins"]
    told = []

    def told_of(words):
        told.append(capsys.readouterr().err)
        return words in "".join(told)

    with console.progress("demo", 2, look=lambda: going) as advance:
        wait_until(lambda: told_of("demo: b: begins"))
        going[0] = "a: epoch 2/5"
        wait_until(lambda: told_of("demo: a: epoch 2/5"))
        advance("a done")
    told_of("")
    lines = "".join(told).splitlines()
    assert lines == ["demo: a: epoch 1/5", "demo: b: begins", "demo: a: epoch 2/5", "demo 1/2: a done"]


def test_without_a_terminal_one_thing_is_not_told_more_often_than_is_readable(capsys):
    going = ["a: step 1"]
    with console.progress("demo", 1, look=lambda: going):
        time.sleep(1.5)
        going[0] = "a: step 2"
        time.sleep(1.5)
    assert capsys.readouterr().err.splitlines() == ["demo: a: step 1"]


def test_in_a_terminal_what_goes_on_stands_below_the_bar(terminal):
    with console.progress("demo", 2, look=lambda: ["a: epoch 1/5, loss 0.412, Dice 0.620, 0:01:02 left"]) as advance:
        advance("b done")
    shown = terminal.getvalue()
    assert "demo: b done" in shown and "1/2" in shown
    assert "a: epoch 1/5, loss 0.412, Dice 0.620, 0:01:02 left" in shown


def test_steps_of_unknown_number_are_lines_or_a_running_clock(capsys, terminal, monkeypatch):
    with console.steps("report") as say:
        say("tables")
    assert "report: tables" in terminal.getvalue()
    monkeypatch.setattr(console, "stderr", Console(stderr=True))
    with console.steps("report") as say:
        say("tables")
    assert capsys.readouterr().err == "report: tables\n"


def test_what_is_watched_is_drawn_until_there_is_no_more(terminal, monkeypatch):
    monkeypatch.setattr(console, "WATCH_S", 0.0)
    seen = iter([("1/5", True), ("2/5", True), ("5/5", False)])

    def look():
        epochs, more = next(seen)
        return pd.DataFrame({"run": ["a"], "epochs": [epochs]}), f"{epochs} so far.", more

    table, sentence = console.watch(look, "runs/demo")
    assert table["epochs"].tolist() == ["5/5"] and sentence == "5/5 so far."
    assert all(text in terminal.getvalue() for text in ("1/5", "2/5", "5/5 so far.", "runs/demo"))


def test_watching_needs_a_terminal():
    with pytest.raises(ValueError, match="There is no terminal to draw in: leave out --watch"):
        console.watch(lambda: (pd.DataFrame(), "", False), "runs")
