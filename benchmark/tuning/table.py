"""What tuning has found, as a table of texts."""

import pandas as pd

from benchmark.runs.tuned import Tuned, TunedVariant
from benchmark.tuning.space import CE_WEIGHT, DECAY, LEARNING_RATE, WEIGHT_DECAY


def tuned_table(found: Tuned) -> pd.DataFrame:
    """One row for each network: validation Dice with its own settings and the best, and what these are."""
    return pd.DataFrame([_row(name, one) for name, one in found.variants.items()])


def _row(name: str, one: TunedVariant) -> dict[str, str]:
    settings = one.best.settings
    return {
        "network": name,
        "Dice, own settings": f"{one.trials[0].dice:.4f}",
        "Dice, best": f"{one.best.dice:.4f}",
        "trial": str(one.chosen),
        "learning rate": f"{settings[LEARNING_RATE]:.2e}",
        "weight decay": f"{settings[WEIGHT_DECAY]:.2e}",
        "ce weight": f"{settings[CE_WEIGHT]:.2f}",
        "schedule": str(settings[DECAY]),
    }
