import os
import signal

import pytest
from builders.tiny_experiment import ENVIRONMENT

from benchmark.forecast.apart import apart


def double(number):
    return 2 * number


def refuse(reason):
    raise ValueError(reason)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def test_an_answer_comes_from_another_process():
    assert apart(ENVIRONMENT, double, 21) == 42
    assert apart(ENVIRONMENT, os.getpid) != os.getpid()


def test_a_refusal_comes_back_as_one():
    with pytest.raises(ValueError, match="not this one"):
        apart(ENVIRONMENT, refuse, "not this one")


def test_a_crash_costs_one_answer_and_is_told():
    with pytest.raises(ChildProcessError, match="Its process ended with signal SIGSEGV"):
        apart(ENVIRONMENT, crash)
    assert apart(ENVIRONMENT, double, 1) == 2
