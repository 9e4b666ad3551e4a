"""What the processes of runs need, imported before any of them begins.

Meanwhile no garbage is looked for: of a million objects that stay, the search would find none and take a fifth of the
time. Nor are they looked through again later, in this process or those forked from it.
"""

import gc
from importlib import import_module

from benchmark.launching.launch import WORK

NEEDED = (WORK, "benchmark.training.callbacks", "benchmark.training.wandb_mirror", "models", "wandb.sdk.launch")
"""Also what only a configuration, or W&B's first call, names."""

gc.disable()
try:
    for name in NEEDED:
        import_module(name)
finally:
    gc.freeze()
    gc.enable()
