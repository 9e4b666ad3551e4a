"""What is tuned, and within which bounds: the same for every network, around what its experiment says."""

from collections.abc import Mapping
from typing import Any

from optuna.trial import Trial

from benchmark.runs.settings import Config

LEARNING_RATE, WEIGHT_DECAY, CE_WEIGHT = "model.learning_rate", "model.weight_decay", "model.ce_weight"
DECAY, WARMUP = "model.schedule.decay", "model.schedule.warmup"
SETTINGS = (LEARNING_RATE, WEIGHT_DECAY, CE_WEIGHT, DECAY)

FACTOR = 10.0
"""How far the learning rate may go from the experiment's, to either side."""

BOUNDS = {WEIGHT_DECAY: (1e-5, 1e-1), CE_WEIGHT: (0.25, 4.0)}
WARMUPS = {"constant": 0.0, "polynomial": 0.05}
"""Schedules that are tried, with the warm-up of each."""

DEFAULTS: Config = {WEIGHT_DECAY: 0.01, CE_WEIGHT: 1.0, DECAY: "constant", WARMUP: 0.0}
"""Those of `SegmentationTask`, where an experiment says nothing."""


def own_settings(config: Mapping[str, Any]) -> Config:
    """What a run's configuration, as one level of dotted keys, has for everything that is tuned."""
    return {name: config.get(name, DEFAULTS.get(name)) for name in (*SETTINGS, WARMUP)}


def suggest(trial: Trial, own: Config) -> Config:
    """Draw settings.

    Args:
        trial: Of Optuna.
        own: Of `own_settings`.
    """
    rate = float(own[LEARNING_RATE])
    bounds = {LEARNING_RATE: (rate / FACTOR, rate * FACTOR), **BOUNDS}
    drawn: Config = {name: trial.suggest_float(name, *ends, log=True) for name, ends in bounds.items()}
    decay = str(trial.suggest_categorical(DECAY, list(WARMUPS)))
    return {**drawn, DECAY: decay, WARMUP: WARMUPS[decay]}


def as_parameters(own: Config) -> Config:
    """An experiment's own settings as a point that `suggest` may draw, moved to the nearest bound where outside."""
    moved = {name: min(max(float(own[name]), low), high) for name, (low, high) in BOUNDS.items()}
    return {LEARNING_RATE: float(own[LEARNING_RATE]), **moved, DECAY: own[DECAY]}
