"""What Lightning and PyTorch say that tells a user of this suite nothing: left out, and nothing else."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

WARNINGS = (
    "args parameter is intended",  # of LightningCLI, which we use as it is meant to be used from Python
    "`isinstance\\(treespec, LeafSpec\\)` is deprecated",  # Lightning's own affair
    "does not have many workers",  # patches are cut as fast as networks take them
    "callbacks used to create the checkpoint need to be provided",  # a test needs none
    "is smaller than the logging interval",  # losses are looked at after every epoch too
    "exists and is not empty",  # as where a run goes on
    "The `srun` command is available",  # runs inside an allocation start their own ranks
)
"""Parts of warnings, as regular expressions."""

MESSAGES = ("💡 Tip: ", "TPU available: ")
"""Beginnings of messages: advertisements, and hardware that nothing here uses."""

SPEAKERS = ("lightning.pytorch", "lightning.fabric")
RANK_ZERO = ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero")


def leave_out() -> None:
    """Leave out what tells nothing, from now on, and say the rest once: Lightning's own handler repeats ours."""
    warnings.filterwarnings("ignore", message=f".*({'|'.join(WARNINGS)})")
    for name in RANK_ZERO:
        logging.getLogger(name).addFilter(_tells_something)
    if logging.getLogger().handlers:
        logging.getLogger("lightning").handlers.clear()


def speak() -> None:
    """Let the log of a run hold what this suite has to say: a line each, and no more."""
    own = logging.getLogger("benchmark")
    own.addHandler(logging.StreamHandler())
    own.setLevel(logging.INFO)


@contextmanager
def quiet() -> Iterator[None]:
    """Let all warnings go unsaid too, where many trainers are made in one process; errors are still told."""
    with without_notices(), warnings.catch_warnings(action="ignore"):
        yield


@contextmanager
def without_notices() -> Iterator[None]:
    """Leave out also what is no warning, such as which checkpoint is read: for verbs that show their own progress."""
    loggers = [logging.getLogger(name) for name in SPEAKERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _tells_something(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(MESSAGES)
