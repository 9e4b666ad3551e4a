from pathlib import Path

import pytest
from builders.cases import cases_of

from benchmark.experiment.definition import Experiment, ReportSettings, Variant, expand, load_experiment
from benchmark.runs.reading import Changes, Reading, read_reading, write_reading

FILE = """
name: small
scale: demo
report: {absent: exclude, scored: [Thalamus], order: paper, by: [sex]}
variants:
  one: {network: vnet, label: The old one}
  vnet: {network: vnet}
"""


def test_an_experiment_says_how_it_is_read_and_its_folder_keeps_it(tmp_path: Path):
    (tmp_path / "small.yaml").write_text(FILE)
    reading = load_experiment(tmp_path / "small.yaml").reading
    assert reading == Reading({"one": "The old one"}, "exclude", ["Thalamus"], "paper", ["sex"])
    write_reading(tmp_path, reading)
    assert read_reading([tmp_path / "elsewhere", tmp_path]) == reading
    assert read_reading([tmp_path / "elsewhere"]) == Reading()


def test_how_runs_are_read_changes_no_runs_identity():
    plain = Experiment("small", {"one": Variant("vnet")}, scale="demo")
    asked = ReportSettings(absent="exclude", scored=["Thalamus"], by=["sex"])
    told = Experiment("small", {"one": Variant("vnet", label="V")}, scale="demo", report=asked)
    assert [run.identity for run in expand(plain)] == [run.identity for run in expand(told)]


def test_two_variants_of_one_label_are_refused():
    with pytest.raises(ValueError, match="gives two variants one label; each needs its own: same, same"):
        Experiment("small", {"a": Variant("vnet", label="same"), "b": Variant("unetr", label="same")})


def test_a_report_changes_what_it_is_told_and_leaves_the_rest():
    reading = Reading({"one": "The old one"}, "exclude", ["Thalamus"])
    assert reading.changed(Changes()) == reading
    assert reading.changed(Changes(absent="penalise", scored=[], order="paper")) == Reading(
        {"one": "The old one"}, "penalise", [], "paper"
    )


def test_without_a_choice_every_structure_counts():
    cases = cases_of(2)
    assert Reading().counted(cases) is cases
    assert set(Reading(scored=["Structure-01"]).counted(cases)["structure"]) == {"Structure-01"}
