import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from builders.cohorts import make_cohort
from builders.hostile.forged import RECIPES, SETTINGS, forge, recipe_of, witnessed_imports
from builders.tiny_experiment import begin, tiny
from builders.trained import train

from benchmark.__main__ import main
from benchmark.experiment.run import execute
from benchmark.labelling.trained import load_trained
from benchmark.plain_settings import fitting_arguments
from models import NETWORKS

PLANTED = """
import pathlib
pathlib.Path("harm").touch()
from torch import nn
class Net(nn.Module): pass
class UNet3D(nn.Module): pass
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def genuine(cohort, tmp_path_factory):
    return train(cohort, tmp_path_factory.mktemp("trained"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, which holds a module that does harm when it is imported, and is on the path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "planted.py").write_text(PLANTED)
    return tmp_path


def predicting(checkpoint, cohort, here, capsys, *words) -> str:
    folder = cohort.path.parent / "source/s0"
    images = ["--pet", folder / "pet.nii.gz", "--mr", folder / "mr.nii.gz", "--output", here / "out", *words]
    with pytest.raises(SystemExit) as stop:
        main(["predict", "--checkpoint", str(checkpoint), *map(str, images)])
    assert stop.value.code == 1
    return capsys.readouterr().err


def assert_nothing_ran(here, asked):
    assert not (here / "harm").exists()
    assert not [name for name in asked if name.split(".")[0] in ("planted", "codecs", "timeit")]
    assert "planted" not in sys.modules


@pytest.mark.parametrize("kind", RECIPES)
def test_a_checkpoint_that_names_a_network_of_its_own_is_refused_before_anything_is_imported(
    genuine, cohort, here, capsys, kind
):
    forged = forge(genuine, here / "forged.ckpt", network=RECIPES[kind])
    with witnessed_imports() as asked:
        said = predicting(forged, cohort, here, capsys)
    refused = said.removeprefix(f"petmr: {forged}: ")
    assert refused.startswith(("its network ", "is no checkpoint of this suite (no network)"))
    assert_nothing_ran(here, asked)


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_of_a_known_network_that_are_not_plain_are_refused(genuine, cohort, here, capsys, kind):
    forged = forge(genuine, here / "forged.ckpt", network=recipe_of(genuine, **SETTINGS[kind]))
    with witnessed_imports() as asked:
        said = predicting(forged, cohort, here, capsys)
    assert said.startswith(f"petmr: {forged}: its ")
    assert_nothing_ran(here, asked)


def going_on(verb, checkpoint, cohort, here, *more):
    words = [verb, f"--data.cohort={cohort.path}", "--data.folds=2", "--data.patch_size=[16,16,16]"]
    words += ["--model.network=models.unet3d.UNet3D", "--model.network.init_args.width=4", f"--ckpt_path={checkpoint}"]
    words += ["--trainer.accelerator=cpu", "--trainer.max_epochs=1", "--trainer.logger=false"]
    main([*words, f"--trainer.default_root_dir={here}", "--trainer.enable_progress_bar=false", *more])


@pytest.mark.parametrize(
    "verb", ["fit", *(pytest.param(verb, marks=pytest.mark.slow) for verb in ("validate", "test"))]
)
@pytest.mark.parametrize("kind", RECIPES)
def test_a_checkpoint_to_go_on_from_is_held_against_the_network_that_the_user_named(
    genuine, cohort, here, capsys, verb, kind
):
    forged = forge(genuine, here / "forged.ckpt", network=RECIPES[kind])
    with witnessed_imports() as asked, pytest.raises(SystemExit) as stop:
        going_on(verb, forged, cohort, here)
    assert stop.value.code == 1
    assert "The checkpoint is of another network" in capsys.readouterr().err
    assert_nothing_ran(here, asked)


@pytest.mark.parametrize("verb", ["fit", "validate", "test"])
def test_hyper_parameters_of_a_checkpoint_change_no_setting_and_name_no_class(genuine, cohort, here, verb):
    hostile = {"network": {"class_path": "planted.Net", "init_args": {}}, "ce_weight": 7.0}
    forged = forge(genuine, here / "forged.ckpt", hyper_parameters=hostile)
    with witnessed_imports() as asked:
        going_on(verb, forged, cohort, here)
    assert_nothing_ran(here, asked)


def test_a_checkpoint_names_no_file_that_going_on_would_delete(genuine, cohort, here):
    kept = here / "thesis"
    kept.mkdir()
    (kept / "chapter.tex").write_text("years")
    known = torch.load(genuine, weights_only=True)["callbacks"]
    (name,) = (key for key in known if key.startswith("ModelCheckpoint"))
    for path in (f"local://{kept}", f"{here}/checkpoints/../thesis/chapter.tex", f"file://{kept}"):
        state = {**known[name], "last_model_path": path, "best_model_path": path, "kth_best_model_path": path}
        del state["dirpath"]
        forged = forge(genuine, here / "forged.ckpt", callbacks={name: state})
        going_on("fit", forged, cohort, here, "--trainer.max_epochs=2")
        assert (kept / "chapter.tex").read_text() == "years"


def test_a_network_of_ones_own_is_loaded_where_the_user_names_it(cohort, tmp_path, capsys):
    folder = begin(tmp_path, tiny(trainer={"max_epochs": 1}), cohort)
    execute(folder)
    best, name = folder.checkpoints / "best.ckpt", "builders.tiny_experiment.TinyNet"
    with pytest.raises(ValueError, match=rf"its network '{name}' is none of this suite's.*--trust {name}"):
        load_trained(best)
    assert type(load_trained(best, trusted=[name]).network).__name__ == "TinyNet"
    images = cohort.path.parent / "source/s0"
    words = ["--pet", f"{images}/pet.nii.gz", "--mr", f"{images}/mr.nii.gz", "--output", str(tmp_path / "out")]
    main(["predict", "--checkpoint", str(best), *words, "--trust", name])
    assert "1 subject labelled" in capsys.readouterr().out


def test_a_trusted_network_whose_setting_is_a_class_is_still_refused(cohort, tmp_path):
    settings = {"act": "torch.nn.SiLU"}
    folder = begin(tmp_path, tiny({"chosen": "ChosenNet"}, settings, trainer={"max_epochs": 1}), cohort)
    execute(folder)
    with pytest.raises(ValueError, match=r"ChosenNet can't be built: setting act is 'torch\.nn\.SiLU'; expected type"):
        load_trained(folder.checkpoints / "best.ckpt", trusted=["builders.tiny_experiment.ChosenNet"])


def test_a_trusted_name_that_is_no_network_or_not_there_is_refused(genuine, here):
    for name, reason in {
        "os.getcwd": "is no network",
        "nowhere.Net": r"isn't found \(No module.*the folder that holds it, or set PYTHONPATH",
        "torch.nn.Nothing": "isn't found",
    }.items():
        forged = forge(genuine, here / "forged.ckpt", network={"class_path": name, "init_args": {}})
        with pytest.raises(ValueError, match=reason):
            load_trained(forged, trusted=[name])


@pytest.mark.parametrize(
    "weights",
    [
        {"network.classify.weight": torch.zeros(1).expand(2**40)},
        {"network.classify.weight": torch.empty(2**40, device="meta")},
        {"network.classify.weight": torch.eye(3).to_sparse()},
        {"network.classify.weight": "text"},
        {7: torch.zeros(1)},
        {},
    ],
)
def test_weights_that_claim_more_than_the_file_holds_are_refused(genuine, here, weights):
    known = torch.load(genuine, weights_only=True)["state_dict"]
    forged = forge(genuine, here / "forged.ckpt", state_dict={**known, **weights} if weights else {})
    with pytest.raises(ValueError, match=r"forged\.ckpt: "):
        load_trained(forged)


@pytest.mark.parametrize("settings", [{"depths": [16000] * 4}, {"hidden_size": 16384}])
def test_a_network_that_would_grow_without_end_is_stopped(genuine, here, settings):
    recipe = {"class_path": "models.UXNet3D", "init_args": {"in_channels": 2, "out_channels": 9, **settings}}
    with pytest.raises(ValueError, match=r"more layers than the file has weights|don't fit its network"):
        load_trained(forge(genuine, here / "forged.ckpt", network=recipe))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_takes_its_own_settings_as_plain_values(name):
    assert fitting_arguments(NETWORKS[name], {"in_channels": 2, "patch_size": [96, 96, 96]}) == {
        "in_channels": 2,
        "patch_size": (96, 96, 96),
    }


def test_a_file_of_the_current_folder_is_never_taken_for_a_library(here):
    (here / "yaml.py").write_text(PLANTED)
    petmr = Path(sys.executable).with_name("petmr")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [petmr, "status", here], cwd=here, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == f"petmr: {here}: holds no runs.\n"
    assert not (here / "harm").exists()
