import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from builders.cohorts import make_cohort

EXPERIMENT = {
    "name": "mine",
    "scale": "demo",
    "folds": 2,
    "config": {"data": {"epoch_length": 4}, "trainer": {"max_epochs": 1}},
    "variants": {"tiny": {"network": "builders.own_network.TinyNet", "settings": {"width": 3}}},
}


def test_a_class_anywhere_on_the_path_trains_predicts_and_enters_the_tables(tmp_path):
    cohort = make_cohort(tmp_path)
    experiment = tmp_path / "mine.yaml"
    experiment.write_text(yaml.safe_dump(EXPERIMENT))
    command = [sys.executable, "-m", "benchmark", "run", experiment, "--cohort", cohort.path, "--output", "runs"]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*map(str, command), "--wandb", "disabled"], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    cases = pd.read_csv(tmp_path / "runs/report/mine/cases.csv")
    assert set(cases["network"]) == {"builders.own_network.TinyNet"}
    assert set(cases["subject"]) == set(cohort.subjects)
    assert len(list((tmp_path / "runs/tiny").glob("*/predictions/*.nii.gz"))) == 4
