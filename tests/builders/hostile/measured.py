"""Commands in processes of their own, whose time and memory are looked at."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from builders.tiny_experiment import ENVIRONMENT

GIB = 2**30


@dataclass(frozen=True)
class Measured:
    """How a process ended; `peak` is the most memory that it held, in bytes."""

    code: int
    said: str
    seconds: float
    peak: int


def petmr_measured(*words: object, limit: int = 0) -> Measured:
    """`petmr` with words; with `limit` no more bytes of addresses than that."""
    return python_measured("-m", "benchmark", *words, limit=limit)


def python_measured(*words: object, limit: int = 0) -> Measured:
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None,
    )
    assert process.stdout
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(process.returncode, said, time.monotonic() - started, usage.ru_maxrss * 1024)
