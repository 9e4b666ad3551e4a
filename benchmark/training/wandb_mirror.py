"""Weights & Biases shows what is on disk; where it can't be reached, everything is recorded for `wandb sync`."""

import logging
from pathlib import Path
from typing import Any

import wandb
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import WandbLogger
from wandb.sdk.lib import RunDisabled

from benchmark.training.tracking import PROJECT, WandbMode

INIT_S, FINISH_S = 15.0, 300.0
"""How long a server may take to answer at the start, and to receive the rest at the end."""

log = logging.getLogger(__name__)


def start(folder: Path, *, mode: str, **identity: str) -> wandb.Run:
    """Start or go on with a run of Weights & Biases, offline where the server can't be used, or else not at all."""
    settings = wandb.Settings(init_timeout=INIT_S, finish_timeout=FINISH_S, silent=mode != "online")
    known: dict[str, Any] = {"project": PROJECT, "dir": str(folder), "settings": settings, "resume": "allow"} | identity
    try:
        return wandb.init(mode="online" if mode == "online" else "offline", **known)
    except wandb.Error as error:
        wandb.teardown()  # it still holds the run's id
        log.warning("Weights & Biases can't be reached (%s): recorded offline, for `wandb sync`.", error)
    try:
        return wandb.init(mode="offline", **known)
    except wandb.Error as error:
        wandb.teardown()
        log.warning("Weights & Biases can't record (%s): the run goes on without it.", error)
        return wandb.init(mode="disabled")


class WandbMirror(WandbLogger):
    """Lightning's logger, which a missing key or server doesn't stop."""

    def __init__(self, folder: str, experiment: str, job_type: str, name: str, run_id: str, mode: WandbMode) -> None:
        """See `benchmark.training.tracking.loggers`."""
        super().__init__(project=PROJECT, save_dir=folder, name=name, id=run_id)
        self._identity = {"group": experiment, "job_type": job_type, "name": name, "id": run_id}
        self._mode = mode

    @property
    @rank_zero_experiment
    def experiment(self) -> wandb.Run | RunDisabled:
        """The run, started when it is first needed, and on the first rank only."""
        if self._experiment is None:
            run = start(Path(str(self.save_dir)), mode=self._mode, **self._identity)
            run.define_metric("trainer/global_step")
            run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
            self._experiment = run
        return self._experiment
