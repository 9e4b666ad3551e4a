import os
from pathlib import Path

import pytest
from builders.orphans import assert_end_with_parent, note_and_sleep

from datamodules.parallel import each


def die(number: int) -> int:
    os._exit(9)


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes):
    assert list(each(abs, [-3, 1, -2], processes)) == [3, 1, 2]


def parent(number: int) -> int:
    return os.getppid()


def test_processes_begin_from_this_one_so_that_a_server_of_forked_runs_is_the_first_to_be_asked():
    assert set(each(parent, [1, 2, 3], 2)) == {os.getpid()}


def test_a_process_that_dies_ends_the_work_with_a_sentence():
    with pytest.raises(ChildProcessError, match="ask for fewer"):
        list(each(die, [1, 2, 3], 2))


def sleep_in_two(folder: Path) -> None:
    list(each(note_and_sleep, [folder, folder], 2))


def test_processes_end_with_the_one_that_began_them_even_if_that_is_killed(tmp_path):
    assert_end_with_parent(tmp_path, sleep_in_two, tmp_path)


def test_no_process_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        list(each(abs, [1], 0))
