"""One function over many subjects, in this process or in several."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def end_with_parent() -> None:
    """In a process of a pool: end once the process that began it is gone, instead of waiting for work forever."""
    parent = parent_process()

    def watch() -> None:
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def each(function: Callable[[Item], Result], items: Sequence[Item], processes: int = 1) -> Iterator[Result]:
    """Yield the result of every item in order.

    Args:
        function: What to do; picklable where there are several processes.
        items: With what.
        processes: Items worked on at a time.

    Raises:
        ValueError: If `processes` is below one.
        ChildProcessError: If a process dies, most likely for want of memory.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}; expected at least 1.")
    if processes == 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(min(processes, max(len(items), 1)), get_context("spawn"), end_with_parent)
    try:
        yield from pool.map(function, items)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            f"One of {processes} processes died, most likely for want of memory: ask for fewer (--processes)."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
