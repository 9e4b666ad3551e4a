"""Whether Weights & Biases can be used, asked once for all runs of a command rather than by each for itself."""

import logging
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmark.training.tracking import WandbMode

ANSWER_S = 15.0
"""How long a server may take to answer, names looked up and all."""

log = logging.getLogger(__name__)


def usable(mode: WandbMode) -> WandbMode:
    """The mode that runs can have: offline where there is no key or no server that answers, which is said."""
    if mode != "online":
        return mode
    import wandb  # which takes a second

    known = wandb.login(prompt=False, verify=False)
    address = str(wandb.setup().settings.base_url)
    wandb.teardown()  # else the processes of the runs would share this one's service, and its ids of runs
    if not known:
        return _offline("there is no key: give `wandb login`")
    return mode if _answers(address) else _offline(f"{address} doesn't answer in {ANSWER_S:g} s")


def _offline(reason: str) -> WandbMode:
    log.warning("Weights & Biases can't be reached (%s): all runs are recorded offline, for `wandb sync`.", reason)
    return "offline"


def _answers(address: str) -> bool:
    """In a thread that is left behind where it hangs, as looking up a name knows no limit of time."""
    answered: list[bool] = []

    def ask() -> None:
        try:
            with urlopen(address, timeout=ANSWER_S):  # the user's own server
                answered.append(True)
        except HTTPError:  # any answer is one
            answered.append(True)
        except (OSError, ValueError):
            answered.append(False)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_S)
    return answered == [True]
