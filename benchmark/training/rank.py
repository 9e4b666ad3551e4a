"""Which rank a process is, as its environment says: asked before PyTorch is there, too."""

import os

BY_SLURM = "PETMR_BY_SLURM"
"""Environment variable of runs that our SLURM launcher started: their ranks are the tasks of the job.

Within an allocation SLURM's own variables are everywhere. They describe the job, not a run that was started inside it.
"""


def is_first() -> bool:
    """Whether this process is the first of all ranks, as torchrun, Lightning or a SLURM job of ours says."""
    names = ("RANK", "LOCAL_RANK", *(["SLURM_PROCID"] if BY_SLURM in os.environ else []))
    rank = next((os.environ[name] for name in names if name in os.environ), "0")
    return int(rank) == int(os.environ.get("NODE_RANK", "0")) == 0
