"""Runs as jobs of a SLURM cluster, through submitit."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import submitit
from submitit.core.utils import DelayedSubmission

from benchmark.local import PARENT
from benchmark.resources import Resources
from benchmark.run_folder import RunFolder, read_json
from datamodules.files import write_json


@dataclass(frozen=True)
class Work:
    """What a job does: one run in a process of its own. SLURM's preemption queues it again, and it goes on."""

    folder: Path

    def __call__(self) -> None:
        """Run the folder."""
        environment = {**os.environ, PARENT: str(os.getpid())}
        subprocess.run([sys.executable, "-m", "benchmark.run", str(self.folder)], check=True, env=environment)

    def checkpoint(self) -> DelayedSubmission:
        """Called by submitit before a preempted or timed-out job ends."""
        return DelayedSubmission(Work(self.folder))


class SlurmLauncher:
    """Submits each run as a job and waits for it, or for the job that an earlier command submitted."""

    def __init__(self, resources: Resources, logs: Path, cluster: str = "slurm") -> None:
        """Submit to `cluster`: `slurm`, or submitit's `local` for trying out."""
        self.executor = submitit.AutoExecutor(folder=logs, cluster=cluster)
        self.executor.update_parameters(name="petmr", **resources.parameters())
        self.logs = logs

    def __call__(self, folder: RunFolder) -> None:
        """Submit one run and wait for its job's end."""
        known = read_json(_submitted(folder)).get("job")
        earlier: list[submitit.Job[None]] = [submitit.SlurmJob(self.logs, known)] if known else []
        waited = [job for job in earlier if not job.done()] or [self._submit(folder)]
        waited[0].wait()

    def _submit(self, folder: RunFolder) -> "submitit.Job[None]":
        job: submitit.Job[None] = self.executor.submit(Work(folder.path))
        write_json(_submitted(folder), {"job": job.job_id})
        return job

    def stop(self) -> None:
        """Leave the jobs: they belong to the cluster now, and the same command waits for them again."""


def _submitted(folder: RunFolder) -> Path:
    return folder.path / "slurm.json"
