"""Experiments that train in a second: a two-layer network on a cohort of `builders.cohorts`."""

import json
import multiprocessing
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
import yaml
from torch import Tensor, nn

from benchmark.experiment import work
from benchmark.experiment.conditions import Condition
from benchmark.experiment.definition import Experiment, Variant, expand
from benchmark.experiment.plan import splits_of
from benchmark.experiment.retest import Retest
from benchmark.runs.folder import RunFolder
from benchmark.runs.settings import Run, merge
from benchmark.training.tracking import WandbMode
from builders.forked import Forked, run
from datamodules.cohort.store import Cohort
from datamodules.files import read_json

TESTS = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(TESTS)}
QUICK = {
    "data": {"patch_size": [16, 16, 16], "epoch_length": 4, "batch_size": 2},
    "model": {
        "learning_rate": 0.03,
        "ce_weight": 1.0,
        "betas": [0.9, 0.999],
        "schedule": {"decay": "constant", "warmup": 0.0},
    },
    "trainer": {"max_epochs": 3, "accelerator": "cpu", "precision": "32-true", "gradient_clip_val": None},
}


class TinyNet(nn.Module):
    """Any norm; dropout."""

    divisor = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: tuple[int, int, int] = (16, 16, 16),
        norm: str = "instance",
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        norms = {"instance": nn.InstanceNorm3d(6), "batch": nn.BatchNorm3d(6)}
        first, last = nn.Conv3d(in_channels, 6, 3, padding=1, bias=False), nn.Conv3d(6, out_channels, 1)
        self.layers = nn.Sequential(first, norms[norm], nn.ReLU(), nn.Dropout3d(dropout), last)

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class NaNNet(TinyNet):
    """Breaks in the second epoch of training."""

    steps = 0

    def forward(self, image: Tensor) -> Tensor:
        self.steps += self.training
        return super().forward(image) * (float("nan") if self.steps > 2 else 1)


class ChosenNet(TinyNet):
    """Takes a class as a setting."""

    def __init__(self, *args: Any, act: type[nn.Module] = nn.GELU, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.layers[2] = act()


class WitnessNet(TinyNet):
    """Writes down where its process comes from and what it may use."""

    def __init__(self, *args: Any, notes: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        parent = Path(f"/proc/{os.getppid()}")
        seen = {
            "parent": os.getppid(),
            "threads_of_parent": len(list((parent / "task").iterdir())),
            "session": os.getsid(0) == os.getpid(),
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
            "threads": torch.get_num_threads(),
            "threads_of_children": os.environ["OMP_NUM_THREADS"],
            "input": os.read(0, 1).decode(),
            "children_begin_by": multiprocessing.get_start_method(),
            "signals_held_back": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        }
        (Path(notes) / f"{os.getpid()}.json").write_text(json.dumps(seen))


class BadNet(TinyNet):
    """Can't be built."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        raise RuntimeError("this network has no idea")


class CrashNet(TinyNet):
    """Takes its process with it in the first training step."""

    def forward(self, image: Tensor) -> Tensor:
        if image.device.type == "cpu" and type(image) is Tensor:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().forward(image)


def tiny(
    variants: Mapping[str, str] | None = None, settings: Mapping[str, Any] | None = None, **config: Any
) -> Experiment:
    """Two folds of every variant: a class of this module each."""
    chosen = variants or {"tiny": "TinyNet"}
    rows = {
        name: Variant(f"builders.tiny_experiment.{network}", dict(settings or {})) for name, network in chosen.items()
    }
    return Experiment("tiny", rows, folds=2, scale="demo", config=merge(QUICK, config))


def write_experiment(path: Path, experiment: Experiment) -> Path:
    rows = {name: {"network": row.network, "settings": row.settings} for name, row in experiment.variants.items()}
    entries = {"name": experiment.name, "folds": experiment.folds, "scale": experiment.scale}
    path.write_text(yaml.safe_dump({**entries, "config": experiment.config, "variants": rows}))
    return path


def begin(folder: Path, experiment: Experiment, cohort: Cohort, wandb: WandbMode = "disabled") -> RunFolder:
    """The folder of the first run, ready to work on."""
    run = first_run(experiment)
    begun = RunFolder(folder / run.name)
    begun.begin(run, cohort, splits_of(experiment, cohort), wandb)
    return begun


def first_run(experiment: Experiment) -> Run:
    return expand(experiment)[0]


def work_on(place: RunFolder | Retest) -> None:
    """Work in this process, and note how that ended."""
    with work.ending_noted(place):
        work.work(place)


def retest(folder: RunFolder, condition: Condition) -> None:
    """Test a run under a condition in this process, unless that is done."""
    place = Retest.of(folder, condition)
    place.ask(condition)
    if not place.is_done():
        work_on(place)


def start(folder: RunFolder) -> Forked:
    """Work on a run in a process of its own."""
    log = folder.log
    return Forked("benchmark.experiment.work", folder.path, out=log, err=log, environment=ENVIRONMENT)


def heed_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore it, and so everything below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def petmr(*words: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return run("benchmark.__main__", *words, environment=ENVIRONMENT, cwd=cwd)


def sketching_petmr(*words: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """`petmr`, without the files of figures."""
    return run("builders.sketches", *words, environment=ENVIRONMENT, cwd=cwd)


def weights(folder: RunFolder, name: str = "best") -> dict[str, Tensor]:
    loaded: dict[str, Tensor] = torch.load(folder.checkpoints / f"{name}.ckpt", weights_only=True)["state_dict"]
    return loaded


def assert_same_result(one: RunFolder, other: RunFolder) -> None:
    """Bit-equal weights and scores."""
    assert read_json(one.trained) == read_json(other.trained)
    theirs = weights(other)
    for key, value in weights(one).items():
        assert torch.equal(value, theirs[key]), key
    pd.testing.assert_frame_equal(pd.read_csv(one.cases), pd.read_csv(other.cases), check_exact=True)


class Diary(L.Callback):
    """Notes which rank got which patches and subjects, a line each."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def note(self, trainer: L.Trainer, *words: object) -> None:
        with self.path.open("a") as file:
            file.write(" ".join(map(str, [trainer.global_rank, *words])) + "\n")

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        for subject, image in zip(batch["subject"], batch["image"], strict=True):
            step = trainer.current_epoch * trainer.num_training_batches + batch_idx
            self.note(trainer, "train", step, subject, image.double().sum().item())

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.note(trainer, "validation", trainer.current_epoch, *batch["subject"])

    def on_test_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.note(trainer, "test", *batch["subject"])


def read_diary(path: Path) -> list[tuple[str, ...]]:
    """Everything but the ranks, sorted."""
    return sorted(tuple(line.split()[1:]) for line in path.read_text().splitlines())


def ranks_in(path: Path) -> set[str]:
    return {line.split()[0] for line in path.read_text().splitlines()}
