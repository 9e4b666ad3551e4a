"""What a process holds, by the moment: memory and open files, which long work must not pile up."""

import os
from dataclasses import dataclass
from pathlib import Path

import lightning as L

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Health:
    """MiB that are resident, and open files, sockets and pipes."""

    mib: float
    handles: int

    @classmethod
    def now(cls) -> "Health":
        """Of this process."""
        resident = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(resident * PAGE_MIB, len(list(Path("/proc/self/fd").iterdir())))


def growth(samples: list[Health]) -> Health:
    """What the last third holds more than the middle one, each at its least: what is freed in time isn't counted."""
    third = len(samples) // 3
    middle, last = samples[-2 * third : -third], samples[-third:]
    return Health(
        min(one.mib for one in last) - min(one.mib for one in middle),
        min(one.handles for one in last) - min(one.handles for one in middle),
    )


class HealthDiary(L.Callback):
    """Notes the health of a training after every epoch, a line each."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        health = Health.now()
        with self.path.open("a") as file:
            file.write(f"{health.mib} {health.handles}\n")


def read_health(path: Path) -> list[Health]:
    rows = (line.split() for line in path.read_text().splitlines())
    return [Health(float(mib), int(handles)) for mib, handles in rows]
