"""Which processes train one network together: those that the first one starts, or the tasks of a SLURM job of ours."""

import os
from argparse import Namespace
from datetime import timedelta

import lightning as L
import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor

from benchmark.training.rank import BY_SLURM

PATIENCE = timedelta(minutes=30)
"""How long a rank waits for another one, which may have a larger subject to validate, before it gives up."""


def environments() -> list[ClusterEnvironment]:
    """What a run tells Lightning of its ranks; nothing where those who started them all do."""
    started = BY_SLURM in os.environ or TorchElasticEnvironment.detect()
    return [] if started else [LightningEnvironment()]


def strategy_of(trainer: Namespace) -> Strategy | str:
    """DDP that leaves buffers alone: validation would wait for ranks with fewer subjects. The task sends them."""
    own = trainer.strategy in ("auto", "ddp") and _is_parallel(trainer)
    return DDPStrategy(broadcast_buffers=False, timeout=PATIENCE) if own else trainer.strategy


def require_all(trainer: L.Trainer) -> None:
    """Refuse to train with other ranks than the configuration asks for.

    Raises:
        ValueError: Naming both numbers.
    """
    wanted = trainer.num_devices * trainer.num_nodes
    if trainer.world_size != wanted:
        found = "1 process trains" if trainer.world_size == 1 else f"{trainer.world_size} processes train"
        raise ValueError(
            f"{found}, but trainer.devices and num_nodes ask for {wanted}: steps would hold other patches. Under SLURM "
            "a job needs a task for each device (`resources` of the experiment, or srun)."
        )


def ranks() -> int:
    """How many train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def of_all_ranks(values: Tensor) -> Tensor:
    """The values of every rank, `[W, ...]`; all ranks must ask."""
    if not dist.is_initialized():
        return values[None]
    gathered = [torch.empty_like(values) for _ in range(ranks())]
    dist.all_gather(gathered, values.contiguous())
    return torch.stack(gathered)


def _is_parallel(trainer: Namespace) -> bool:
    if trainer.num_nodes > 1:
        return True
    if str(trainer.devices) in ("auto", "-1"):
        return str(trainer.accelerator) != "cpu" and torch.cuda.device_count() > 1
    return len(trainer.devices) > 1 if isinstance(trainer.devices, list) else str(trainer.devices) != "1"
