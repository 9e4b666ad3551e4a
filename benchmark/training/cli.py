"""LightningCLI for one network on one fold: `petmr fit`, `petmr validate`, `petmr test`."""

import json
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.training.mixed_precision import precision_of
from benchmark.training.processes import environments, strategy_of
from benchmark.training.quiet import leave_out
from benchmark.training.task import SegmentationTask
from datamodules.petmr import PETMRDataModule

MatmulPrecision = Literal["highest", "high", "medium"]


class BenchmarkCLI(LightningCLI):
    """Ties the network to the cohort: modalities, classes and patch size are said once, by the data."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Link what the data decide to the model."""
        parser.add_argument(
            "--matmul_precision",
            type=MatmulPrecision,
            default="highest",
            help="of float32 matrix products: highest, or high (TF32) and medium (bfloat16) where the device has them",
        )
        parser.link_arguments("data.patch_size", "model.inference.window.size")
        parser.link_arguments("data.patch_size", "model.network.init_args.patch_size")
        parser.link_arguments("data.seed", "model.seed")
        parser.link_arguments("data.structures", "model.structures", apply_on="instantiate")
        parser.link_arguments("data.partners", "model.partners", apply_on="instantiate")
        parser.link_arguments("data.in_channels", "model.network.init_args.in_channels", apply_on="instantiate")
        parser.link_arguments("data.out_channels", "model.network.init_args.out_channels", apply_on="instantiate")

    def instantiate_trainer(self, **settings: Any) -> L.Trainer:
        """Read no checkpoint that could run code, and let ranks have unequal numbers of subjects.

        PyTorch's deterministic mode also fills uninitialised memory, a few percent of a step; nobody reads it here.
        """
        torch.set_float32_matmul_precision(self._get(self.config_init, "matmul_precision"))
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        chosen = self._get(self.config_init, "trainer")
        given = chosen.plugins if isinstance(chosen.plugins, list) else [chosen.plugins]
        known = [] if self.subcommand else environments()  # a command of the user's own may be started by anything
        plugins = [*(plugin for plugin in given if plugin), *known, SafeCheckpointIO()]
        trainer: L.Trainer = super().instantiate_trainer(
            plugins=plugins, strategy=strategy_of(chosen), precision=precision_of(chosen), **settings
        )
        return trainer

    def instantiate_classes(self) -> None:
        """Build everything, and give the task what a checkpoint needs to build its network again."""
        super().instantiate_classes()
        recipe = self.resolved()["model"]["network"]
        recipe["init_args"] |= {
            "in_channels": self.datamodule.in_channels,
            "out_channels": self.datamodule.out_channels,
        }
        self.model.recipe = recipe

    @property
    def asked_precision(self) -> str:
        """The precision of the configuration, which this machine's processor may not compute in."""
        return str(self._get(self.config_init, "trainer").precision)

    def numerics(self) -> dict[str, str | bool]:
        """What is set of all that trades the numbers' exactness or repeatability for speed."""
        warns = torch.is_deterministic_algorithms_warn_only_enabled()
        return {
            "precision": str(self.trainer.precision),
            "matmul_precision": torch.get_float32_matmul_precision(),
            "deterministic": "warn" if warns else torch.are_deterministic_algorithms_enabled(),
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
        }

    def _parse_ckpt_path(self) -> None:
        """Leave the configuration as it is: Lightning would let a checkpoint name classes and settings."""

    def resolved(self) -> dict[str, Any]:
        """The whole configuration as plain values, classes by their paths."""
        text = self.parser.dump(self.config, format="json", skip_none=False, skip_link_targets=False)
        config: dict[str, Any] = json.loads(text)
        return config[self.subcommand] if self.subcommand else config


def build(args: list[str] | dict[str, Any], *, run: bool, cli: type[BenchmarkCLI] = BenchmarkCLI) -> BenchmarkCLI:
    """Parse a configuration and build trainer, task and data; with `run` also do the subcommand that `args` names.

    Raises:
        ArgumentError: If a configuration without subcommand can't be parsed; a command line ends with its usage.
    """
    leave_out()
    return cli(
        SegmentationTask,
        PETMRDataModule,
        args=args,
        run=run,
        save_config_callback=None,
        auto_configure_optimizers=False,
        parser_kwargs={} if run else {"exit_on_error": False},
        trainer_defaults={"use_distributed_sampler": False},
    )
