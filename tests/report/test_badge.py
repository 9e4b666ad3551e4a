"""What is said of the data before any number."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.runs import cases_on, write_runs

from benchmark.report.page.badge import SCALES, read_badge, scale_of, warning_of
from benchmark.report.page.cost import cost_lines
from benchmark.runs.about import About, write_about
from benchmark.runs.evidence import gather
from benchmark.runs.images import images_of, origin_of
from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.cohort.store import Cohort
from datamodules.simulation.cohort import write_cohort
from datamodules.sources.find import find_subjects


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("cohort")
    write_cohort(folder / "source", subjects=2, size=16, spacing=12.0, seed=0)
    return prepare(find_subjects(folder / "source"), folder / "cohort", PrepareSettings(protocol="coarse9"))


def made_by(cohort: Cohort, *makers: str) -> Cohort:
    told = dict(zip(cohort.subjects, makers, strict=True))
    subjects = {
        name: replace(subject, acquisition={"pet": {"Manufacturer": told[name]} if told[name] else {}, "mr": {}})
        for name, subject in cohort.subjects.items()
    }
    return replace(cohort, subjects=subjects)


def test_a_simulated_cohort_says_so_after_its_source_is_gone(simulated: Cohort):
    assert origin_of(simulated) == "simulated"


def test_a_scanner_s_maker_makes_images_measured_and_silence_leaves_it_open(simulated: Cohort):
    assert origin_of(made_by(simulated, "Siemens", "GE")) == "measured"
    assert origin_of(made_by(simulated, "Siemens", "none (simulated)")) == "measured and simulated"
    assert origin_of(made_by(simulated, "Siemens", "")) == "not known if simulated"


def test_a_smoke_test_says_nothing_about_networks_and_a_simulation_nothing_about_patients():
    assert warning_of("measured", [130]).endswith("no statement about the networks.")
    assert warning_of("simulated", [20000]).startswith("No statement about patients")
    assert warning_of("measured", [20000]) == warning_of("measured", []) == ""


def test_a_scale_is_known_by_its_settings():
    demo = yaml.safe_load((SCALES / "demo.yaml").read_text())
    longer = {**demo, "trainer": {**demo["trainer"], "max_epochs": 500}}
    assert scale_of([demo, {**demo, "seed_everything": 1}]) == "demo"
    assert scale_of([demo, longer]) == scale_of([longer]) == "own"


def test_a_scale_that_was_asked_for_is_named_also_where_a_network_has_settings_of_its_own(tmp_path: Path):
    cohort = make_cohort(tmp_path, subjects=4)
    runs = write_runs(tmp_path / "runs", cases_on(cohort, cases_of(4), folds=2), cohort.path)
    write_about(runs, About("demo", {"cross_fusion": "paper", "unet3d": "paper"}, own=("unet3d",)))
    (evidence,) = gather([runs])
    assert (
        read_badge(evidence, images_of(cohort)).lines["training"]
        == "10 steps, scale demo with settings of the experiment"
    )


def test_the_badge_tells_voxels_subjects_groups_steps_and_repetitions(tmp_path: Path):
    cohort = make_cohort(tmp_path, subjects=4)
    (evidence,) = gather([write_runs(tmp_path / "runs", cases_on(cohort, cases_of(4), folds=2), cohort.path)])
    lines = read_badge(evidence, images_of(cohort)).lines
    assert lines["voxels"] == "1 × 1 × 1 mm" or lines["voxels"] == "1 mm"
    assert lines["subjects"] == "4 tested of 4, in 4 groups"
    assert lines["training"] == "10 steps, scale own" and lines["repeated"] == "2 folds, 1 seed"
    assert lines["images"] == "not known if simulated, PET and MR, 8 structures (coarse9)"
    unknown = read_badge(evidence, None).lines
    assert unknown["images"] == "not known if simulated; the cohort isn't where the runs found it"
    assert unknown["subjects"] == "4 tested" and "voxels" not in unknown


def test_the_cost_of_a_network_is_told_in_the_units_of_people():
    costs = {"variant": ["vnet"], "parameters_m": [45.774], "gmac": [1440.4], "minutes": [600.0]}
    assert cost_lines(pd.DataFrame({**costs, "seconds_per_subject": [0.512]}), "vnet") == {
        "parameters": "45.8 million",
        "multiply-adds": "1,440 GMAC a patch",
        "training": "10 h a run",
        "labelling": "0.51 s a subject",
        "GPU memory": "not recorded",
    }
