"""The test of a finished run under a condition: where it is done, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmark.experiment.conditions import Condition
from benchmark.runs.folder import PATIENCE_S, RunFolder
from benchmark.runs.lock import locked
from benchmark.runs.seal import broken
from benchmark.runs.settings import Config, merge
from benchmark.runs.workplace import Workplace
from datamodules.cohort.splits import certify, splits_path
from datamodules.cohort.store import open_cohort
from datamodules.files import read_json, write_json, write_text


@dataclass(frozen=True)
class Retest(Workplace):
    """`predictions-CONDITION` in the folder of a run; the cases come to lie in the run's."""

    @classmethod
    def of(cls, run: RunFolder, condition: Condition) -> "Retest":
        """Where a run is tested under a condition."""
        return cls(run.path / f"predictions-{condition.name}")

    @property
    def run(self) -> RunFolder:
        """Which is tested."""
        return RunFolder(self.path.parent)

    @property
    def name(self) -> str:
        """`variant/fold-0-seed-0 under noise-high`."""
        return f"{self.run.name} under {self.path.name.removeprefix('predictions-')}"

    @property
    def asked(self) -> Path:
        """What the test depends on besides the checkpoint, and what its cases say of it."""
        return self.path / "condition.json"

    @property
    def config(self) -> Path:
        """The configuration for LightningCLI."""
        return self.path / "config.yaml"

    @property
    def cases(self) -> Path:
        """Scores of the test subjects."""
        return self.run.path / f"{self.path.name.replace('predictions', 'cases', 1)}.csv"

    def read_asked(self) -> dict[str, Any]:
        """`about`, what the test depends on, and `columns` of its cases."""
        return read_json(self.asked)

    def ask(self, condition: Condition) -> None:
        """Say what is to be done here.

        Raises:
            ValueError: If the cohort lacks the modality, or the network can't be tested on another cohort.
        """
        config = self.run.read_config()
        cohort = open_cohort(Path(condition.data.get("cohort", config["data"]["cohort"])))
        if condition.needs and condition.needs not in cohort.modalities:
            raise ValueError(f"{condition.name}: the cohort has {', '.join(cohort.modalities)}, no {condition.needs}.")
        if "cohort" in condition.data:
            if not splits_path(cohort.path, 1, 0).is_file():
                certify(cohort, 1, 0, "test-only")
            self._refuse_test(condition, config["data"].get("modalities"))
        about = {
            "identity": self.run.read_record().identity,
            "cohort": cohort.fingerprint,
            "data": dict(condition.data),
        }
        with locked(self.beginning, PATIENCE_S):
            write_text(self.config, yaml.safe_dump(self._changed(config, condition), sort_keys=False))
            write_json(self.asked, {"about": about, "columns": dict(condition.columns)})

    def is_done(self) -> bool:
        """Whether what was asked is what was done, and the cases are those that it wrote."""
        about, done = self.read_asked()["about"], read_json(self.done)
        return all(done.get(key) == value for key, value in about.items()) and not broken(self.run.path, self.done)

    def _refuse_test(self, condition: Condition, modalities: list[str] | None) -> None:
        from benchmark.checkpoints import SafeCheckpointIO  # torch
        from datamodules.petmr import PETMRDataModule

        remembered = SafeCheckpointIO().load_checkpoint(self.run.checkpoints / "best.ckpt")
        data = PETMRDataModule(modalities=modalities, **condition.data)
        data.setup("test")
        data.refuse_test(remembered[type(data).__name__])

    def _changed(self, config: Mapping[str, Any], condition: Condition) -> Config:
        """The configuration of the run for this test: in this process alone, and no logger."""
        writer = {
            "class_path": "benchmark.training.callbacks.PredictionWriter",
            "init_args": {"folder": str(self.path)},
        }
        stop = {"class_path": "benchmark.training.stopping.StopAtOnce"}
        trainer = {"logger": False, "callbacks": [stop, writer], "devices": 1, "num_nodes": 1, "strategy": "auto"}
        return merge(config, {"data": condition.data, "trainer": {**trainer, "default_root_dir": str(self.path)}})
