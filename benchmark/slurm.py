"""Runs as jobs of a SLURM cluster, through submitit."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

import submitit
from submitit.core.utils import DelayedSubmission

from benchmark.local import PARENT
from benchmark.resources import Resources
from benchmark.run_folder import RunFolder, read_json
from datamodules.files import write_json

TIMES = 1000
"""How often a job may run out of its time and be queued again."""

POLL_S = 2.0
"""Between looks at a job; submitit asks SLURM more rarely, and once for all jobs."""


@dataclass(frozen=True)
class Work:
    """What a job does: one run in a process of its own. SLURM's preemption queues it again, and it goes on."""

    folder: Path

    def __call__(self) -> None:
        """Run the folder.

        Raises:
            CalledProcessError: If the run isn't done, so that SLURM ends the other ranks of a job.
        """
        command = [sys.executable, "-m", "benchmark.run", str(self.folder)]
        environment = {**os.environ, PARENT: str(os.getpid())}
        with RunFolder(self.folder).log.open("a", encoding="utf-8") as log:
            subprocess.run(command, check=True, env=environment, stdout=log, stderr=log)

    def checkpoint(self) -> DelayedSubmission:
        """Called by submitit before a preempted or timed-out job ends."""
        return DelayedSubmission(Work(self.folder))


class SlurmLauncher:
    """Submits each run as a job and waits for it, or for the job that an earlier command submitted."""

    def __init__(self, resources: Resources, logs: Path, cluster: str = "slurm") -> None:
        """Submit to `cluster`: `slurm`, or submitit's `local` for trying out."""
        self.executor = submitit.AutoExecutor(folder=logs, cluster=cluster, slurm_max_num_timeout=TIMES)
        self.executor.update_parameters(name="petmr", **resources.parameters())
        self.logs = logs
        self.submitting = Lock()
        self.stopping = Event()

    def __call__(self, folder: RunFolder) -> None:
        """Submit one run and wait for its job's end."""
        known = read_json(_submitted(folder)).get("job")
        earlier: list[submitit.Job[None]] = [submitit.SlurmJob(self.logs, known)] if known else []
        (job, *_) = [job for job in earlier if self._goes_on(job)] or [self._submit(folder)]
        while self._goes_on(job) and not self.stopping.wait(POLL_S):
            pass

    def _goes_on(self, job: "submitit.Job[None]") -> bool:
        """Whether a job waits or runs; for the accounting, which submitit asks, one queued again may be over."""
        return not job.done() or (self.executor.cluster == "slurm" and is_queued(job.job_id))

    def _submit(self, folder: RunFolder) -> "submitit.Job[None]":
        with self.submitting:
            job: submitit.Job[None] = self.executor.submit(Work(folder.path))
        write_json(_submitted(folder), {"job": job.job_id})
        return job

    def stop(self) -> None:
        """Leave the jobs: they belong to the cluster now, and the same command waits for them again."""
        self.stopping.set()


def is_queued(job: str) -> bool:
    """Whether SLURM still has a job that isn't over."""
    command = ["squeue", "--noheader", "--job", job]
    return bool(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())


def _submitted(folder: RunFolder) -> Path:
    return folder.path / "slurm.json"
