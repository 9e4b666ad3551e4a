"""Commands in processes that are forked from one that has imported all they need: a second each instead of seven."""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from benchmark.launching import forking
from benchmark.launching.forking import stand_alone, start, take


class Forked:
    """A process, with what tests use of `subprocess.Popen`."""

    def __init__(
        self, module: str, *words: object, out: Path, err: Path, environment: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        """Begin `python -m MODULE WORDS` in a session of its own; what it says is appended to two files."""
        place = cwd or Path.cwd()
        self.process: ForkServerProcess = start(
            module, _call, module, [str(word) for word in words], out.absolute(), err.absolute(), environment, place
        )

    @property
    def pid(self) -> int:
        return self.process.pid  # type: ignore[return-value]

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self.wait(0) if wait([self.process.sentinel], 0) else None

    def wait(self, seconds: float | None = None) -> int:
        if not wait([self.process.sentinel], seconds):
            raise subprocess.TimeoutExpired(self.process.name, seconds or 0)
        self.process.join()
        return int(self.process.exitcode or 0)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    module: str, *words: object, environment: Mapping[str, str], cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Do `python -m MODULE WORDS` to its end, and read what it said."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = Forked(module, *words, out=out, err=err, environment=environment, cwd=cwd).wait()
        return subprocess.CompletedProcess([module, *words], code, out.read_text(), err.read_text())


def _call(module: str, words: list[str], out: Path, err: Path, environment: Mapping[str, str], cwd: Path) -> None:
    os.setsid()
    stand_alone()
    # The server that this process comes from is for its own, too.
    forking.ensure_running = forkserver._forkserver.ensure_running = lambda: None
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream.fileno())
    os.environ.clear()
    take(environment)
    os.chdir(cwd)
    main = import_module(module)
    sys.argv, sys.modules["__main__"] = [str(main.__file__), *words], main
    try:
        main.main()
    finally:
        atexit._run_exitfuncs()
