"""Processes that are forked from one which has imported all that runs need: importing is paid once.

That one has a single thread and touches no GPU, as forking it would be unsafe otherwise.
"""

import atexit
import os
import signal
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker, set_start_method
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from threading import Lock

IMPORTED = "benchmark.launching.imported"
"""What the processes of runs need."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""For the process that is forked: NumPy's library starts its threads when it is imported."""

HELD_BACK = (signal.SIGINT,)
"""From the process that is forked: Python would end in a traceback where it is importing."""

_context = get_context("forkserver")
_one_at_a_time = Lock()
"""Starting a process looks after all that have ended, as waiting for one does."""


def begin_importing() -> None:
    """Let the one that is forked import while this process does other things; what starts processes does so, too.

    Ctrl-C, which is pressed for this process, doesn't reach it.
    """
    with _one_at_a_time, _environment(ONE_THREAD):
        _context.set_forkserver_preload([IMPORTED])
        resource_tracker.ensure_running()  # which would let signals through again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        try:
            ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(name: str, function: Callable[..., None], *args: object) -> ForkServerProcess:
    """Call a module-level function in a process of its own."""
    begin_importing()
    process = _context.Process(target=_heeding, args=(function, *args), name=name)
    with _one_at_a_time:
        process.start()
    return process


def _heeding(function: Callable[..., None], *args: object) -> None:
    """Call a function in a process that heeds what was held back from the one that it was forked from."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    function(*args)


def wait_for(process: ForkServerProcess) -> int:
    """Wait for the end of a process; returns its exit code, negative where a signal ended it."""
    wait([process.sentinel])
    with _one_at_a_time:
        process.join()
    return int(process.exitcode or 0)


def stand_alone() -> None:
    """Make a forked process one as any other.

    It leaves to its parent what that has to do at its own end, such as to remove folders that all children write to.
    And its children, such as those that score, begin as the system's own way is: Python has it ask for a server as its
    parent did, one that imports everything anew, which takes seconds.
    """
    set_start_method(None, force=True)
    atexit._clear()
    weakref.finalize._registry.clear()  # type: ignore[attr-defined]
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]


def take(environment: Mapping[str, str]) -> None:
    """Let this process have an environment, and as many threads as that says: PyTorch is imported already."""
    import torch  # those who start processes needn't have it

    os.environ.update(environment)
    torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """Add to the environment of what is started meanwhile."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
