import shutil

import pandas as pd
import yaml
from builders.cohorts import make_cohort
from builders.tiny_experiment import TESTS, sketching_petmr

EXPERIMENT = {
    "name": "mine",
    "scale": "demo",
    "folds": 2,
    "config": {"data": {"epoch_length": 4}, "trainer": {"max_epochs": 1}},
    "variants": {"tiny": {"network": "own_network.TinyNet", "settings": {"width": 3}}},
}


def test_a_class_of_the_current_folder_trains_predicts_and_enters_the_tables(tmp_path):
    cohort = make_cohort(tmp_path)
    shutil.copy(TESTS / "builders/own_network.py", tmp_path)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    words = ("run", "mine.yaml", "--cohort", cohort.path, "--output", "runs", "--wandb", "disabled")
    done = sketching_petmr(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    cases = pd.read_csv(tmp_path / "runs/report/mine/cases.csv")
    assert set(cases["network"]) == {"own_network.TinyNet"}
    assert set(cases["subject"]) == set(cohort.subjects)
    assert len(list((tmp_path / "runs/tiny").glob("*/predictions/*.nii.gz"))) == 4
