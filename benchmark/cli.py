"""LightningCLI for one network on one fold: `petmr fit`, `petmr validate`, `petmr test`."""

import json
from typing import Any

from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.strategies import DDPStrategy

from benchmark.task import SegmentationTask
from datamodules.petmr import PETMRDataModule


class BenchmarkCLI(LightningCLI):
    """Ties the network to the cohort: modalities, classes and patch size are said once, by the data."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Link what the data decide to the model."""
        parser.link_arguments("data.patch_size", "model.window.size")
        parser.link_arguments("data.patch_size", "model.network.init_args.patch_size")
        parser.link_arguments("data.seed", "model.seed")
        parser.link_arguments("data.structures", "model.structures", apply_on="instantiate")
        parser.link_arguments("data.in_channels", "model.network.init_args.in_channels", apply_on="instantiate")
        parser.link_arguments("data.out_channels", "model.network.init_args.out_channels", apply_on="instantiate")

    def before_instantiate_classes(self) -> None:
        """Keep ranks with unequal numbers of subjects from waiting for each other's buffers; the task sends them."""
        config = self.config[self.subcommand] if self.subcommand else self.config
        if config.trainer.strategy == "auto" and config.trainer.devices not in (1, "1", "auto"):
            config.trainer.strategy = DDPStrategy(broadcast_buffers=False)

    def instantiate_classes(self) -> None:
        """Build everything, and give the task what a checkpoint needs to build its network again."""
        super().instantiate_classes()
        config = self.config[self.subcommand] if self.subcommand else self.config
        recipe = config.model.network.as_dict()
        recipe["init_args"] |= {
            "in_channels": self.datamodule.in_channels,
            "out_channels": self.datamodule.out_channels,
        }
        self.model.recipe = recipe

    def resolved(self) -> dict[str, Any]:
        """The whole configuration as plain values."""
        config: dict[str, Any] = json.loads(self.parser.dump(self.config, format="json"))
        return config


def build(args: list[str], *, run: bool) -> BenchmarkCLI:
    """Parse a configuration and build trainer, task and data; with `run` also do the subcommand that `args` names."""
    return BenchmarkCLI(
        SegmentationTask,
        PETMRDataModule,
        args=args,
        run=run,
        save_config_callback=None,
        auto_configure_optimizers=False,
        trainer_defaults={"use_distributed_sampler": False},
    )
