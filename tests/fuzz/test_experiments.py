"""Experiment files with entries that are changed, gone or elsewhere: runs, or one sentence that names the file."""

import pytest
import yaml
from builders.hostile.fuzz import LONG, changed, corpus, damaged, fuzz, kept, told
from hypothesis import strategies as st

from benchmark.experiment.definition import SHIPPED, load_experiment

GENUINE = {
    "name": "fusion",
    "scale": "demo",
    "folds": 2,
    "seeds": [0, 1],
    "cohort": "../cohort",
    "variants": {
        "gated": {"network": "cross_fusion"},
        "addition": {"network": "cross_fusion", "settings": {"fusion": "addition", "depths": [1, 1, 1, 1]}},
        "pet_only": {"network": "uxnet3d", "config": {"data": {"modalities": ["pet"]}}},
    },
    "config": {"trainer": {"precision": "bf16-mixed"}, "model": {"inference": {"mirror": True}}},
    "conditions": {"noise": ["low", 0.2], "missing": ["pet"], "cohorts": {"clinic": "../clinic"}},
    "resources": {"hours": 24, "gpus": 1, "more": {"slurm_account": "mine"}},
}
texts = st.one_of(
    changed(GENUINE).map(lambda entry: yaml.safe_dump(entry, sort_keys=False).encode()),
    damaged(yaml.safe_dump(GENUINE).encode()),
    damaged((SHIPPED / "overall.yaml").read_bytes()),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("experiments")


def check(folder, whole: bytes) -> None:
    path = folder / "experiment.yaml"
    path.write_bytes(whole)
    with kept("experiments", "found.yaml", whole):
        said = told(lambda: load_experiment(path))
        assert not said or str(path) in said or "isn't known" in said, said


def test_a_damaged_experiment(folder):
    fuzz(lambda whole: check(folder, whole), whole=texts)()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_damaged_experiments(folder):
    fuzz(lambda whole: check(folder, whole), LONG, whole=texts)()


@pytest.mark.parametrize("path", corpus("experiments"), ids=lambda path: path.name)
def test_an_experiment_that_was_once_choked_on(tmp_path, path):
    check(tmp_path, path.read_bytes())
