from pathlib import Path

import pytest

from benchmark.__main__ import main
from benchmark.experiment.definition import load_experiment, shipped
from benchmark.verbs.tables.shipped import SHIPPED
from datamodules.labels.protocol import load_protocol
from models.parts.fusion import FUSIONS


def test_everything_shipped_is_listed_with_a_sentence(capsys):
    main(["list"])
    printed = capsys.readouterr().out
    for kind, find in SHIPPED.items():
        found = find()
        assert kind in printed and all(f"  {name} " in printed for name in found)
        assert all(text and "\n" not in text for text in found.values()), kind
    assert {"networks", "experiments", "scales", "recipes", "protocols", "fusions"} < set(SHIPPED)
    assert set(SHIPPED["networks"]()) == set(shipped("networks"))
    assert {"paper", "compact", "laptop", "demo"} <= set(SHIPPED["scales"]())
    assert set(FUSIONS) < set(SHIPPED["fusions"]())


def test_whatever_is_listed_can_be_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in SHIPPED["experiments"]():
        assert load_experiment(Path(name)).name == name
    for name in SHIPPED["protocols"]():
        assert load_protocol(name).name == name


def test_an_experiment_of_ones_own_comes_before_a_shipped_one_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "overall").write_text("name: mine\nvariants: {a: {network: vnet}}\n")
    assert load_experiment(Path("overall")).name == "mine"


@pytest.mark.parametrize("name", ["overal", "base", "nowhere/overall"])
def test_a_name_that_is_not_shipped_is_refused_with_where_to_look(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"^{name}: there is no such experiment file; `petmr list`"):
        load_experiment(Path(name))
