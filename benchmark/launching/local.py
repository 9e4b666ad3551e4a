"""Work as processes of this machine, each with the GPUs of a slot."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import cast

from benchmark.launching.forking import stand_alone, start, take, wait_for
from benchmark.launching.launch import WORK
from benchmark.runs.workplace import Workplace

GRACE_S = 30.0
"""For processes that were asked to end."""

LIKELY = {
    signal.SIGKILL: " Where nobody asked it to end, the system lacked memory: fewer runs at a time (--jobs), a smaller "
    "data.batch_size, and `checkpointing: true` in a network's settings take less; `petmr run --dry-run` says how much."
}
"""What ends a process with a signal."""


class LocalLauncher:
    """Processes on this machine, as many at a time as there are slots."""

    def __init__(self, slots: Sequence[str | None]) -> None:
        """Each slot is a value of `CUDA_VISIBLE_DEVICES` for the work that uses it, or None to leave it as it is."""
        self.at_once = len(slots)
        self.slots: SimpleQueue[str | None] = SimpleQueue()
        for slot in slots:
            self.slots.put(slot)
        self.lock = Lock()
        self.stopping = False
        self.processes: list[ForkServerProcess] = []

    def __call__(self, place: Workplace) -> None:
        """Work in one place in a process of its own, which hears of no key pressed here."""
        devices = self.slots.get()
        try:
            with place.log.open("a", encoding="utf-8") as log:
                ended = self._work(place, devices)
                if ended < 0:
                    number = signal.Signals(-ended)
                    log.write(f"\nThe process was ended by {number.name}.{LIKELY.get(number, '')}\n")
        finally:
            self.slots.put(devices)

    def stop(self) -> None:
        """Ask all processes to end, and end those that don't; what they finished stays."""
        with self.lock:
            self.stopping = True
            left = [process for process in self.processes if process.is_alive()]
            for process in left:
                process.terminate()
        deadline = time.monotonic() + GRACE_S
        while left and time.monotonic() < deadline:
            wait([process.sentinel for process in left], timeout=1)
            left = [process for process in left if not wait([process.sentinel], timeout=0)]
        for process in left:
            with suppress(ProcessLookupError):
                os.killpg(cast(int, process.pid), signal.SIGKILL)

    def _work(self, place: Workplace, devices: str | None) -> int:
        """Wait for a process, and hold on to nothing of it: each holds an open file."""
        process = self._start(place, devices)
        if process is None:
            return 0
        ended = wait_for(process)
        with self.lock:
            self.processes.remove(process)
        return ended

    def _start(self, place: Workplace, devices: str | None) -> ForkServerProcess | None:
        with self.lock:
            if self.stopping:
                return None
            environment = share_of_machine(self.at_once, devices)
            process = start(place.name, _work, place.path, place.log, environment)
            self.processes.append(process)
            return process


def _work(folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """What a forked process does: as `python -m benchmark.experiment.work FOLDER` would, and so would its ranks."""
    os.setsid()
    stand_alone()
    said = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(said, stream.fileno())
    take(environment)
    work = import_module(WORK)
    sys.argv, sys.modules["__main__"] = [str(work.__file__), str(folder)], work
    try:
        work.main()
    finally:
        atexit._run_exitfuncs()  # Python leaves them out in a process that was forked


def share_of_machine(at_once: int, devices: str | None) -> dict[str, str]:
    """The environment of one of several processes at a time: its GPUs, and its share of the processor's cores."""
    threads = _asked_threads(os.environ.get("OMP_NUM_THREADS", "")) or max(1, (os.cpu_count() or 1) // at_once)
    chosen = {"CUDA_VISIBLE_DEVICES": devices} if devices is not None else {}
    return {**os.environ, "OMP_NUM_THREADS": str(threads), **chosen}


def _asked_threads(value: str) -> int | None:
    """What OpenMP takes a value for: the first of a list, one for each level of nesting; None where it is no number."""
    first = value.split(",")[0].strip()
    return int(first) or None if first.isdecimal() else None


def gpus() -> list[str]:
    """The GPUs of this machine that may be used, as values of `CUDA_VISIBLE_DEVICES`; none where there is no driver."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [device for device in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if device]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, line in enumerate(listed.splitlines()) if line.startswith("GPU")]


def slots(devices: Sequence[str], each: int, jobs: int | None) -> list[str | None]:
    """Share GPUs out among runs.

    Args:
        devices: The GPUs.
        each: How many a run uses.
        jobs: Runs at a time; where not given as many as find GPUs of their own, or one.

    Returns:
        For each run at a time its GPUs; more runs than fit use them together. None where there are too few GPUs.
    """
    groups = [",".join(devices[first : first + each]) for first in range(0, len(devices) - each + 1, each)]
    wanted = jobs or max(1, len(groups))
    return [groups[slot % len(groups)] if groups else None for slot in range(wanted)]
