"""Starts the runs of an experiment, one operating-system process each, and goes on after failures."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from benchmark.experiment import Experiment, Run, expand
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.tracking import WandbMode
from datamodules.cohort import Cohort
from datamodules.splits import load_splits

TAIL = 15
"""Lines of a failed run's log that its report shows."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its state, `skipped` where it was done before, and the end of its log where it isn't done."""

    run: Run
    state: str
    message: str = ""


class Launcher(Protocol):
    """Brings begun runs to their end, somewhere."""

    def __call__(self, folder: RunFolder) -> None:
        """Work on one run until its process has ended, however that was."""

    def stop(self) -> None:
        """Stop everything that is going on."""


class LocalLauncher:
    """Processes on this machine; each of several GPUs is used by as many runs as asked for, one at a time."""

    def __init__(self, jobs: int, devices: Sequence[str] = ()) -> None:
        """Take `jobs` runs at a time; `devices` are values of `CUDA_VISIBLE_DEVICES`, one for each."""
        self.jobs = jobs
        self.slots: SimpleQueue[str | None] = SimpleQueue()
        for slot in range(jobs):
            self.slots.put(devices[slot] if devices else None)
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, folder: RunFolder) -> None:
        """Run one folder in a process of its own, which hears of no key pressed here."""
        device = self.slots.get()
        try:
            with folder.log.open("a", encoding="utf-8") as log:
                command = [sys.executable, "-m", "benchmark.run", str(folder.path)]
                environment = self._environment(device)
                process = subprocess.Popen(
                    command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
                )
                self.processes.append(process)
                process.wait()
        finally:
            self.slots.put(device)

    def stop(self) -> None:
        """Ask all processes to end; what they finished stays."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    def _environment(self, device: str | None) -> Mapping[str, str]:
        threads = str(max(1, (os.cpu_count() or 1) // self.jobs))
        chosen = {"CUDA_VISIBLE_DEVICES": device} if device is not None else {}
        return {"OMP_NUM_THREADS": threads, **os.environ, **chosen}


def gpus() -> list[str]:
    """The GPUs of this machine that may be used, as values of `CUDA_VISIBLE_DEVICES`; none where there is no driver."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [device for device in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if device]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, line in enumerate(listed.splitlines()) if line.startswith("GPU")]


def plan(
    experiment: Experiment, cohort: Cohort, output: Path, only: str = "*", *, restart: bool = False
) -> list[tuple[Run, RunFolder]]:
    """The runs that `only` (a pattern over their names) chooses; nothing is started.

    Args:
        experiment: The grid.
        cohort: What it is trained and tested on.
        output: Holds one folder for each run.
        only: Pattern over `variant/fold-0-seed-0`.
        restart: Whether the chosen folders are emptied first, instead of refused where they hold something else.

    Raises:
        ValueError: If no run is chosen, folds can't be drawn, or a folder was begun with something else.
    """
    chosen = [run for run in expand(experiment) if fnmatch(run.name, only)]
    if not chosen:
        names = ", ".join(run.name for run in expand(experiment))
        raise ValueError(f"No run of '{experiment.name}' matches '{only}'; there are {names}.")
    planned = [(run, RunFolder(output.resolve() / run.name)) for run in chosen]
    for run, folder in planned:
        if restart:
            shutil.rmtree(folder.path, ignore_errors=True)
        folder.check(run, record_of(run, experiment, cohort))
    return planned


def record_of(run: Run, experiment: Experiment, cohort: Cohort) -> RunRecord:
    """What identifies a run on a cohort."""
    return RunRecord.of(run, cohort, load_splits(cohort, experiment.folds, experiment.split_seed))


def launch(
    planned: Sequence[tuple[Run, RunFolder]],
    experiment: Experiment,
    cohort: Cohort,
    launcher: Launcher,
    *,
    at_once: int,
    wandb: WandbMode = "offline",
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Bring planned runs to their end, skipping those that are done.

    Args:
        planned: What `plan` chose.
        experiment: The grid.
        cohort: What it is trained and tested on.
        launcher: Where.
        at_once: Runs handed to the launcher at a time.
        wandb: Mode of Weights & Biases.
        report: Called with each outcome as it is known.

    Raises:
        KeyboardInterrupt: After all processes have been stopped.
    """

    def one(item: tuple[Run, RunFolder]) -> Outcome:
        run, folder = item
        if folder.is_done():
            outcome = Outcome(run, "skipped")
        else:
            folder.begin(run, record_of(run, experiment, cohort), cohort.path, wandb)
            launcher(folder)
            outcome = Outcome(run, folder.state(), "" if folder.is_done() else _end_of(folder.log))
        report(outcome)
        return outcome

    pool = ThreadPoolExecutor(at_once)
    try:
        return list(pool.map(one, planned))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        launcher.stop()
        raise
    finally:
        pool.shutdown(wait=True)


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join([f"the end of {log}:", *lines[-TAIL:]])
