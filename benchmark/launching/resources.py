"""What a run asks of a cluster."""

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Resources:
    """What a job asks for: the `resources` of an experiment.

    Attributes:
        hours: Longest time a job may take; a job that is preempted or runs out of it is queued again and goes on.
        partition: Of the cluster; its default where not given.
        gpus: On each node; the run's `trainer.devices` must be the same.
        nodes: The run's `trainer.num_nodes` must be the same.
        cpus: For each GPU (or each job without one).
        memory_gb: On each node.
        more: Further parameters of submitit, such as `{slurm_account: mine}`.
    """

    hours: float = 48.0
    partition: str | None = None
    gpus: int = 1
    nodes: int = 1
    cpus: int = 8
    memory_gb: int = 64
    more: dict[str, Any] = field(default_factory=dict)

    def for_one_process(self) -> "Resources":
        """For work that is one process, as a test under a condition is, whatever the training was."""
        return replace(self, gpus=min(self.gpus, 1), nodes=1)

    def parameters(self) -> dict[str, Any]:
        """For `submitit.AutoExecutor.update_parameters`."""
        return {
            "timeout_min": round(self.hours * 60),
            "nodes": self.nodes,
            "tasks_per_node": max(self.gpus, 1),
            **({"gpus_per_node": self.gpus} if self.gpus else {}),
            "cpus_per_task": self.cpus,
            "mem_gb": self.memory_gb,
            "slurm_signal_delay_s": 60,
            "slurm_srun_args": ["--kill-on-bad-exit=1"],
            **({"slurm_partition": self.partition} if self.partition else {}),
            **self.more,
        }
