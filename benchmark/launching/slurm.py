"""Work as jobs of a SLURM cluster, through submitit."""

import logging
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

import submitit
from submitit.core.utils import DelayedSubmission, FailedJobError

from benchmark.launching.following import PARENT
from benchmark.launching.launch import WORK
from benchmark.launching.resources import Resources
from benchmark.runs.workplace import Workplace
from benchmark.training.rank import BY_SLURM
from datamodules.files import read_json, write_json

logger = logging.getLogger(__name__)

TIMES = 1000
"""How often a job may run out of its time and be queued again."""

POLL_S = 5.0
"""Between looks at all jobs of this user, however many wait for them."""


@dataclass(frozen=True)
class Work:
    """What a job does, in a process of its own. SLURM's preemption queues it again, and it goes on."""

    folder: Path

    def __call__(self) -> None:
        """Work in the folder.

        Raises:
            CalledProcessError: If the work isn't done, so that SLURM ends the other ranks of a job.
        """
        command = [sys.executable, "-m", WORK, str(self.folder)]
        environment = {**os.environ, PARENT: str(os.getpid()), BY_SLURM: "1"}
        with Workplace(self.folder).log.open("a", encoding="utf-8") as log:
            subprocess.run(command, check=True, env=environment, stdout=log, stderr=log)

    def checkpoint(self) -> DelayedSubmission:
        """Called by submitit before a preempted or timed-out job ends."""
        return DelayedSubmission(Work(self.folder))


class SlurmLauncher:
    """Submits work as jobs and waits for them, or for those that an earlier command submitted."""

    def __init__(self, resources: Resources, logs: Path, at_once: int = 1000, cluster: str = "slurm") -> None:
        """Submit to `cluster`: `slurm`, or submitit's `local` for trying out."""
        self.at_once = at_once
        self.executor = submitit.AutoExecutor(folder=logs, cluster=cluster, slurm_max_num_timeout=TIMES)
        self.executor.update_parameters(name="petmr", **resources.parameters())
        self.logs = logs
        self.queue = Queue()
        self.submitting = Lock()
        self.stopping = Event()

    def __call__(self, place: Workplace) -> None:
        """Submit what is to be done in one place and wait for its job's end.

        Raises:
            OSError: If SLURM doesn't take the job.
        """
        known = read_json(_submitted(place)).get("job")
        earlier: list[submitit.Job[None]] = [submitit.SlurmJob(self.logs, known)] if known else []
        (job, *_) = [job for job in earlier if self._goes_on(job)] or [self._submit(place)]
        while self._goes_on(job) and not self.stopping.wait(POLL_S):
            pass

    def _goes_on(self, job: "submitit.Job[None]") -> bool:
        """Whether a job waits or runs, by SLURM's queue: its accounting, which submitit asks, may be off or behind."""
        return self.queue.holds(job.job_id) if self.executor.cluster == "slurm" else not job.done()

    def _submit(self, place: Workplace) -> "submitit.Job[None]":
        with self.submitting:
            try:
                job: submitit.Job[None] = self.executor.submit(Work(place.path))
            except FailedJobError as error:
                raise OSError(f"{place.name}: SLURM doesn't take the job ({error}).") from error
        self.queue.look_again()
        write_json(_submitted(place), {"job": job.job_id})
        return job

    def stop(self) -> None:
        """Leave the jobs: they belong to the cluster now, and the same command waits for them again."""
        self.stopping.set()
        logger.warning("The jobs go on; the same command waits for them again, and scancel ends them.")


class Queue:
    """The user's jobs that wait or run, looked up for all that ask, and not too often."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.jobs: frozenset[str] = frozenset()
        self.known_until = -math.inf

    def holds(self, job: str) -> bool:
        """Whether a job isn't over, as far as is known: SLURM may not answer for a while."""
        with self.lock:
            if time.monotonic() > self.known_until:
                command = ["squeue", "--noheader", "--format=%i", "--user", str(os.getuid())]
                told = subprocess.run(command, capture_output=True, text=True, check=False)
                if told.returncode:
                    return True
                self.jobs, self.known_until = frozenset(told.stdout.split()), time.monotonic() + POLL_S
            return job in self.jobs

    def look_again(self) -> None:
        """Forget what is known, as there is a new job."""
        with self.lock:
            self.known_until = -math.inf


def _submitted(place: Workplace) -> Path:
    return place.path / "slurm.json"
