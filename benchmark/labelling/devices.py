"""Where networks run."""

import torch


def choose_device(name: str | None) -> str:
    """A device that is there; a GPU where there is one if none is named.

    Raises:
        ValueError: If it isn't known or isn't there; the message lists those that are.
    """
    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # unknown; not built for it; no driver
        present = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        raise ValueError(f"There is no device '{name}' here: choose of {', '.join(present)}.") from error
    return name
