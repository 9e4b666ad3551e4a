"""The verbs of LightningCLI: one network on one fold, outside of any experiment."""

from pathlib import Path

import lightning as L

from benchmark.runs.folder import RunFolder
from benchmark.training.cli import BenchmarkCLI, build


def lightning(words: list[str]) -> None:
    """Do what `fit`, `validate` or `test` and its options ask.

    Raises:
        ValueError: If files of a run of an experiment would be written over.
    """
    build(words, run=True, cli=OutsideCLI)


class OutsideCLI(BenchmarkCLI):
    """Leaves the folders of experiments to `petmr run`, whose lock, identity and scores it knows nothing of."""

    def before_fit(self) -> None:
        """Look where the trainer would write."""
        refuse_run_folders(self.trainer)

    before_validate = before_test = before_fit


def refuse_run_folders(trainer: L.Trainer) -> None:
    """Refuse a trainer that writes into the folder of a run.

    Raises:
        ValueError: Naming the folder.
    """
    written = [trainer.default_root_dir, *(logger.save_dir for logger in trainer.loggers)]
    written += [callback.dirpath for callback in trainer.checkpoint_callbacks]  # type: ignore[attr-defined]
    for place in filter(None, written):
        for folder in (Path(place).resolve(), *Path(place).resolve().parents):
            if RunFolder(folder).record.is_file():
                raise ValueError(
                    f"{folder}: belongs to `petmr run`, which goes on with it and knows its scores. Write elsewhere: "
                    "leave `trainer` out of the configuration, or give another --trainer.default_root_dir, logger and "
                    "callbacks."
                )
