"""How the process of a run is stopped: by SIGTERM, which also comes when its parent is gone, or a cluster's signal."""

import signal
from types import FrameType

import lightning as L
from lightning.pytorch.utilities.exceptions import SIGTERMException

SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
"""The second is what submitit has SLURM send before a job is preempted or runs out of time."""


def stop(signum: int, frame: FrameType | None) -> None:
    """Leave whatever is going on; what was finished is on disk.

    Raises:
        SIGTERMException: Always.
    """
    raise SIGTERMException


def listen() -> None:
    """Let the signals stop this process from now on."""
    for each in SIGNALS:
        signal.signal(each, stop)


class StopAtOnce(L.Callback):
    """Puts `stop` back in the place of Lightning's handler.

    That one talks to the other ranks from within the handler, where they may be anywhere. Here the first rank just
    leaves; the others follow, as their parent is gone. So they need not ask each other before every step whether one
    has been stopped, for which Lightning would wait until the device has done all steps before.
    """

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Lightning has just set its own."""
        listen()
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _ask_nobody  # type: ignore[method-assign]

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Lightning has just set its own."""
        listen()


def _ask_nobody() -> None:
    """In the place of what Lightning does before every step of several ranks."""
