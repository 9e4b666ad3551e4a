import os

import pytest

from datamodules.parallel import each


def die(number: int) -> int:
    os._exit(9)


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes):
    assert list(each(abs, [-3, 1, -2], processes)) == [3, 1, 2]


def test_a_process_that_dies_ends_the_work_with_a_sentence():
    with pytest.raises(ChildProcessError, match="ask for fewer"):
        list(each(die, [1, 2, 3], 2))


def test_no_process_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        list(each(abs, [1], 0))
