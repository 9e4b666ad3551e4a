"""The precision that a trainer is given: half of single only where the device computes in it."""

import logging
from argparse import Namespace

import torch

from benchmark.labelling.devices import computes_halves

MIXED = ("bf16-mixed", "16-mixed", "bf16", "16")
"""Lightning's names for weights in single precision and most operations in half of it."""

log = logging.getLogger(__name__)


def precision_of(trainer: Namespace) -> str | int | None:
    """The precision of a trainer's settings; single where it is mixed and the processor has no instructions for half.

    What was chosen stands in the log, and what is computed in `done.json` and the checkpoint.
    """
    precision: str | int | None = trainer.precision
    if str(precision) not in MIXED or not _is_processor(trainer) or computes_halves("cpu"):
        return precision
    log.info(
        f"In single precision instead of {precision}: half of it takes 10 to 20 times as long on this processor, which "
        "has no AVX-512."
    )
    return "32-true"


def _is_processor(trainer: Namespace) -> bool:
    there = torch.cuda.is_available() or torch.backends.mps.is_available()
    return trainer.accelerator == "cpu" or (trainer.accelerator == "auto" and not there)
