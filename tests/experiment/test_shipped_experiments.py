from dataclasses import replace
from functools import reduce

import pytest
import torch
import yaml
from builders.cohorts import make_cohort

import models
from benchmark.experiment.definition import SHIPPED, expand, load_experiment, shipped
from benchmark.runs.settings import merge
from benchmark.training.cli import build

EXPERIMENTS = [name for name in shipped() if name != "base"]
SMALL = ("demo", "laptop")
"""Scales whose networks are cut down."""
BUILT_FOR_REAL = "models.SwinUNETR"
"""MONAI's Swin computes with values while it is built, so not on the meta device."""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=10)


def path_of(name):
    return SHIPPED / f"{name}.yaml"


def first_fold(name, scale):
    return [run for run in expand(replace(load_experiment(path_of(name)), scale=scale)) if run.fold == 0]


def test_every_network_has_its_file():
    larger = {"resenc_unet_l", "mednext_l"}  # of the same classes
    assert set(shipped("networks")) == set(models.NETWORKS) | larger


# The widths of fusion_matched are the paper's at any scale: too large to build here.
@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name != "fusion_matched"])
def test_the_command_line_builds_every_variant_at_demo_scale(name, cohort, tmp_path):
    for run in first_fold(name, "demo"):
        config = merge(run.config, {"data": {"cohort": str(cohort.path)}, "trainer": {"logger": False}})
        path = tmp_path / f"{run.variant}.yaml"
        path.write_text(yaml.safe_dump(config))
        cli = build(["--config", str(path)], run=False)
        assert cli.datamodule.fold == 0
        assert cli.model.recipe["init_args"]["out_channels"] == cohort.protocol.num_classes


@pytest.mark.parametrize("scale", [scale for scale in shipped("scales") if scale not in SMALL])
@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if load_experiment(path_of(name)).scale not in SMALL])
def test_every_network_can_be_built_at_full_width(name, scale):
    for run in first_fold(name, scale):
        network = run.config["model"]["network"]
        build_network = reduce(getattr, network["class_path"].split(".")[1:], models)
        modalities = run.config["data"].get("modalities", ["pet", "mr"])
        device = "cpu" if network["class_path"] == BUILT_FOR_REAL else "meta"
        with torch.device(device):
            built = build_network(
                len(modalities), 45, patch_size=run.config["data"]["patch_size"], **network.get("init_args", {})
            )
        assert sum(parameter.numel() for parameter in built.parameters()) > 1e6
