"""A function in a process of its own, so that whatever ends that process costs one answer, and is told."""

import signal
from collections.abc import Callable, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar, cast

from benchmark.launching.forking import start, take, wait_for

P = ParamSpec("P")
T = TypeVar("T")


def apart(environment: Mapping[str, str], function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a module-level function in a process like those of runs.

    Args:
        environment: Of the process: devices and threads.
        function: What to call.
        args: Its arguments.
        kwargs: Its further arguments.

    Raises:
        ValueError: If the function raises it.
        ChildProcessError: If the process ends without an answer.
    """
    here, there = Pipe(duplex=False)
    process = start(function.__name__, _answer, there, environment, function, args, kwargs)
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        code = wait_for(process)
        ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise ChildProcessError(f"Its process ended with {ended}.") from None
    wait_for(process)
    if isinstance(answer, ValueError):
        raise answer
    return cast(T, answer)


def _answer(
    there: Connection,
    environment: Mapping[str, str],
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> None:
    take(environment)
    try:
        answer = function(*args, **kwargs)
    except ValueError as error:
        answer = error
    there.send(answer)
