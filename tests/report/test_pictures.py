import os
from functools import partial
from pathlib import Path

import pytest
from builders.orphans import assert_end_with_parent, note_and_sleep
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmark.report.drawing import Drawing
from benchmark.report.pictures import draw_all


def drawn() -> Figure:
    figure, axes = plt.subplots()
    axes.set_title(f"process {os.getpid()}")
    return figure


def with_note(folder: Path) -> Figure:
    (folder / str(os.getpid())).touch()
    return drawn()


def drawing(name: str, draw) -> Drawing:
    return Drawing(name, "comparison", "One", "A figure.", draw)


def test_figures_come_in_their_order_without_those_that_show_nothing(tmp_path: Path):
    pictures = draw_all([drawing("b", drawn), drawing("nothing", lambda: None), drawing("a", drawn)], tmp_path)
    assert [picture.name for picture in pictures] == ["b", "a"]
    assert all(picture.png.is_file() and picture.webp for picture in pictures)
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a.pdf", "b.png", "b.pdf"}
    assert draw_all([], tmp_path) == ()


def test_other_processes_draw_and_no_setting_of_this_one_changes(tmp_path: Path):
    before = dict(plt.rcParams)
    (tmp_path / "notes").mkdir()
    draw_all([drawing(str(index), partial(with_note, tmp_path / "notes")) for index in range(4)], tmp_path)
    notes = {path.name for path in (tmp_path / "notes").iterdir()}
    assert notes and str(os.getpid()) not in notes
    assert dict(plt.rcParams) == before


def refuse() -> Figure:
    raise ValueError("no such structure")


def test_what_goes_wrong_in_a_drawing_is_told(tmp_path: Path):
    with pytest.raises(ValueError, match="no such structure"):
        draw_all([drawing("a", drawn), drawing("b", refuse)], tmp_path)


def test_a_process_that_dies_is_told_with_the_folder(tmp_path: Path):
    with pytest.raises(ChildProcessError, match=f"{tmp_path}: a process that draws has died"):
        draw_all([drawing("a", drawn), drawing("b", partial(os._exit, 9))], tmp_path)


def draw_in_two(folder: Path) -> None:
    draw_all([drawing(name, partial(note_and_sleep, folder)) for name in ("a", "b")], folder)


def test_processes_that_draw_end_with_the_one_that_waits_even_if_that_is_killed(tmp_path: Path):
    assert_end_with_parent(tmp_path, draw_in_two, tmp_path)
