"""Runs as processes of this machine, each with the GPUs of a slot."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from threading import Lock
from typing import TextIO

from benchmark.runs.folder import RunFolder
from benchmark.training.stopping import PARENT

GRACE_S = 30.0
"""For processes that were asked to end."""


class LocalLauncher:
    """Processes on this machine, as many at a time as there are slots."""

    def __init__(self, slots: Sequence[str | None]) -> None:
        """Each slot is a value of `CUDA_VISIBLE_DEVICES` for the runs that use it, or None to leave it as it is."""
        self.jobs = len(slots)
        self.slots: SimpleQueue[str | None] = SimpleQueue()
        for slot in slots:
            self.slots.put(slot)
        self.lock = Lock()
        self.stopping = False
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, folder: RunFolder) -> None:
        """Run one folder in a process of its own, which hears of no key pressed here."""
        devices = self.slots.get()
        try:
            with folder.log.open("a", encoding="utf-8") as log:
                process = self._start(folder, devices, log)
                if process and process.wait() < 0:
                    log.write(f"\nThe process was ended by {signal.Signals(-process.returncode).name}.\n")
        finally:
            self.slots.put(devices)

    def stop(self) -> None:
        """Ask all processes to end, and end those that don't; what they finished stays."""
        with self.lock:
            self.stopping = True
        left = [process for process in self.processes if process.poll() is None]
        for process in left:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while any(process.poll() is None for process in left) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in left:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def _start(self, folder: RunFolder, devices: str | None, log: TextIO) -> subprocess.Popen[bytes] | None:
        with self.lock:
            if self.stopping:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmark.experiment.run", str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(devices),
                start_new_session=True,
            )
            self.processes.append(process)
            return process

    def _environment(self, devices: str | None) -> Mapping[str, str]:
        threads = str(max(1, (os.cpu_count() or 1) // self.jobs))
        chosen = {"CUDA_VISIBLE_DEVICES": devices} if devices is not None else {}
        return {"OMP_NUM_THREADS": threads, **os.environ, **chosen, PARENT: str(os.getpid())}


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
