import pytest
import yaml

from benchmark.experiment.definition import Experiment, Variant, about, expand, load_experiment
from benchmark.runs.settings import merge


def write(path, **entries):
    path.write_text(yaml.safe_dump({"name": "x", "variants": {"a": {"network": "vnet"}}, **entries}))
    return path


def test_a_grid_is_variants_times_folds_times_seeds_with_early_folds_first():
    grid = Experiment("x", {"a": Variant("vnet"), "b": Variant("unet3d")}, folds=2, seeds=[0, 7])
    assert [run.name for run in expand(grid)][:3] == ["a/fold-0-seed-0", "b/fold-0-seed-0", "a/fold-1-seed-0"]
    assert len(expand(grid)) == len({run.identity for run in expand(grid)}) == 8


def test_later_layers_win_section_by_section():
    assert merge({"a": {"x": 1, "y": 2}, "b": [1]}, {"a": {"y": 3}, "b": [2]}) == {"a": {"x": 1, "y": 3}, "b": [2]}


def test_a_run_is_resolved_from_base_scale_network_and_variant():
    variant = Variant("vnet", settings={"dropout": 0.1}, config={"model": {"learning_rate": 0.5}})
    (run, *_) = expand(Experiment("x", {"a": variant}, scale="demo", config={"data": {"batch_size": 3}}))
    assert run.config["model"]["network"] == {"class_path": "models.VNet", "init_args": {"width": 4, "dropout": 0.1}}
    assert run.config["model"]["learning_rate"] == 0.5
    assert run.config["data"]["patch_size"] == [32, 32, 32]
    assert run.config["data"]["batch_size"] == 3
    assert run.config["data"]["fold"] == 0


def test_the_identity_follows_every_setting():
    def identity(**settings):
        return expand(Experiment("x", {"a": Variant("vnet", **settings)}))[0].identity

    assert identity() == identity()
    assert identity(settings={"width": 3}) != identity() != identity(config={"model": {"ce_weight": 2}})


def test_a_recipe_is_one_key_of_an_experiment_or_of_a_row():
    def configs(variant=None, **settings):
        return expand(Experiment("x", {"a": Variant("vnet", recipe=variant)}, **settings))[0].config

    modern = configs(recipe="modern")
    assert modern["model"]["schedule"]["decay"] == "polynomial"
    assert configs(variant="modern") == modern
    assert configs(variant="paper", recipe="modern") == configs() and "schedule" not in configs()["model"]


def test_rows_that_an_experiment_trains_in_its_own_way_are_known():
    rows = {
        "plain": Variant("vnet"),
        "pet": Variant("vnet", config={"data": {"modalities": ["pet"], "workers": 4}}),
        "own": Variant("vnet", config={"model": {"ce_weight": 2}}),
    }
    assert about(Experiment("x", rows)).own == ("own",)
    assert about(Experiment("x", rows, config={"data": {"batch_size": 8}})).own == tuple(rows)
    assert about(Experiment("x", rows, config={"trainer": {"precision": "bf16-mixed"}})).own == ("own",)


def test_an_experiments_callbacks_do_not_replace_a_recipes():
    mine = {"class_path": "mine.Callback"}
    config = {"trainer": {"callbacks": [mine], "gradient_clip_val": 5}}
    (run, *_) = expand(Experiment("x", {"a": Variant("vnet")}, recipe="modern", config=config))
    averaging, other = run.config["trainer"]["callbacks"]
    assert averaging["class_path"].endswith("ExponentialAverage") and other == mine
    assert run.config["trainer"]["gradient_clip_val"] == 5


def test_a_class_path_is_a_network(tmp_path):
    experiment = load_experiment(write(tmp_path / "e.yaml", variants={"mine": {"network": "my_package.MyNet"}}))
    assert expand(experiment)[0].config["model"]["network"]["class_path"] == "my_package.MyNet"


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        ({"variants": {"a": {"network": "vnett"}}}, "Network 'vnett' isn't known: choose one of .*vnet"),
        ({"recipe": "secret"}, "Recipe 'secret' isn't known: choose one of modern, paper"),
        ({"scale": "huge"}, "Scale 'huge' isn't known: choose one of .*paper"),
        ({"foldz": 3}, "foldz"),
        ({"folds": "three"}, "folds"),
        ({"variants": {"a/b": {"network": "vnet"}}}, "a/b"),
        ({"variants": {"report": {"network": "vnet"}}}, "report can't be one"),
        ({"variants": {"..": {"network": "vnet"}}}, r"\.\. can't be one"),
        ({"name": "my exp #1: x"}, "my exp #1: x can't be one"),
        ({"variants": {"a": {"network": "vnet", "label": "=1+1"}}}, "label '=1.1': a spreadsheet would compute it"),
        ({"variants": {}}, "0 variants"),
        ({"seeds": []}, r"seeds \[\]"),
        ({"seeds": [0, 0]}, "each seed once"),
        ({"conditions": {"nois": [0.1]}}, "nois"),
        ({"conditions": None}, "is no experiment"),
        ({"variants": {1: {"network": "vnet"}}}, "is no experiment"),
    ],
)
def test_a_wrong_experiment_file_is_refused_by_name(tmp_path, entries, match):
    with pytest.raises(ValueError, match=match):
        load_experiment(write(tmp_path / "e.yaml", **entries))


def test_cohorts_lie_beside_the_file_that_names_them(tmp_path):
    conditions = {"noise": ["high", 0.15, "1e-1"], "cohorts": {"near": "other", "far": "/data/other"}}
    experiment = load_experiment(write(tmp_path / "e.yaml", cohort="cohort", conditions=conditions))
    assert experiment.cohort == str(tmp_path / "cohort")
    assert experiment.conditions.noise == ["high", 0.15, 0.1]
    assert experiment.conditions.cohorts == {"near": str(tmp_path / "other"), "far": "/data/other"}


def test_a_missing_experiment_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.yaml"):
        load_experiment(tmp_path / "nowhere.yaml")


def test_callbacks_in_an_experiment_stay_as_they_are_written(tmp_path):
    callback = {"class_path": "benchmark.training.averaging.ExponentialAverage", "init_args": {"decay": 0.9}}
    config = {"trainer": {"callbacks": [callback]}}
    variants = {"all": {"network": "vnet"}, "own": {"network": "vnet", "config": config}}
    experiment = load_experiment(write(tmp_path / "e.yaml", config=config, variants=variants))
    assert experiment.config == experiment.variants["own"].config == config


def test_a_number_without_a_point_is_a_number(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nvariants: {vnet: {network: vnet}}\nconfig: {model: {learning_rate: 1e-2}}\n")
    (run, *_) = expand(load_experiment(file))
    assert run.config["model"]["learning_rate"] == 0.01
