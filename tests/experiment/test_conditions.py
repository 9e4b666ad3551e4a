import pandas as pd
import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, petmr, retest, tiny

from benchmark.experiment.conditions import Conditions, elsewhere, misaligned, noisy, without
from benchmark.experiment.work import work
from benchmark.experiment.workflow import evaluate
from benchmark.scoring.case_table import read_cases
from benchmark.statistics import tables


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


@pytest.fixture(scope="module")
def folder(cohort, tmp_path_factory):
    begun = begin(tmp_path_factory.mktemp("runs"), tiny(), cohort)
    work(begun)
    return begun


def test_a_condition_adds_a_table_of_cases_with_its_own_column(folder, tmp_path):
    retest(folder, noisy("high"))
    retest(folder, without("pet"))
    clean, loud, blind = (pd.read_csv(folder.path / f"cases{name}.csv") for name in ("", "-noise-0.2", "-missing-pet"))
    assert [*clean.columns, "noise"] == list(loud.columns)
    assert set(loud["noise"]) == {0.2}
    assert set(blind["missing"]) == {"pet"}
    assert sorted(set(loud["subject"])) == sorted(set(clean["subject"]))
    assert not loud["dice"].equals(clean["dice"])
    assert not blind["dice"].equals(clean["dice"])
    assert len(list((folder.path / "predictions-noise-0.2").glob("*.nii.gz"))) == clean["subject"].nunique()


def test_an_evaluation_tells_its_progress_and_nothing_else(folder):
    told = petmr("evaluate", folder.path, "--noise", "0.3")
    assert told.returncode == 0
    assert told.stderr == "noise-0.3 1/1: tiny/fold-0-seed-0\n"


def test_no_noise_is_no_condition_and_a_modality_must_be_there():
    for level in ("none", 0.0):
        with pytest.raises(ValueError, match="is no noise"):
            noisy(level)
    with pytest.raises(ValueError, match="Modality ct can't be missing: the cohort has pet, mr"):
        Conditions(missing=["ct"]).all(["pet", "mr"])


def test_one_condition_has_one_name_however_it_is_asked_for():
    assert noisy("low") == noisy(0.05)
    assert noisy("low").name == "noise-0.05"
    asked_twice = Conditions(noise=["low", 0.05], missing=["pet", "pet"]).all(["pet", "mr"])
    assert [condition.name for condition in asked_twice] == ["noise-0.05", "missing-pet"]


def test_a_misaligned_pet_is_a_condition_of_networks_that_see_something_beside_it(folder):
    retest(folder, misaligned("3mm,2deg"))
    clean, moved = (pd.read_csv(folder.path / f"cases{name}.csv") for name in ("", "-misaligned-3mm-2deg"))
    assert set(moved["misaligned_mm"]) == {3} and set(moved["misaligned_degrees"]) == {2}
    assert not moved["dice"].equals(clean["dice"])
    assert misaligned("1mm").applies_to({"data": {}})
    assert not misaligned("1mm").applies_to({"data": {"modalities": ["pet"]}})
    assert not misaligned("1mm").applies_to({"data": {"modalities": ["mr", "flair"]}})
    with pytest.raises(ValueError, match="Nothing lies beside a PET here: the cohort has pet"):
        Conditions(misaligned=["1mm"]).all(["pet"])
    with pytest.raises(ValueError, match="is none: that is the test that every run ends with"):
        misaligned("0mm")


def test_a_network_that_would_see_nothing_is_not_concerned():
    blind = without("pet")
    assert blind.applies_to({"data": {}}) and blind.applies_to({"data": {"modalities": ["pet", "mr"]}})
    assert not blind.applies_to({"data": {"modalities": ["pet"]}})


def test_another_cohort_is_tested_whole(folder, tmp_path):
    other = make_cohort(tmp_path / "other", subjects=3)
    retest(folder, elsewhere(other.path, "clinic"))
    cases = pd.read_csv(folder.path / "cases-cohort-clinic.csv")
    assert set(cases["subject"]) == set(other.subjects)
    assert set(cases["test_cohort"]) == {"clinic"}
    assert set(cases["cohort"]) == {folder.read_record().cohort}


def test_nothing_is_done_twice(folder):
    retest(folder, noisy(0.05))
    file = folder.path / "cases-noise-0.05.csv"
    before = file.stat().st_mtime_ns
    retest(folder, noisy(0.05))
    assert file.stat().st_mtime_ns == before


def test_the_tables_keep_conditions_apart(folder):
    retest(folder, noisy("high"))
    retest(folder, without("pet"))
    cases = read_cases([folder.cases, folder.path / "cases-noise-0.2.csv", folder.path / "cases-missing-pet.csv"])
    retest(folder, misaligned("3mm"))
    cases = pd.concat([cases, read_cases([folder.path / "cases-misaligned-3mm.csv"])], ignore_index=True)
    own = read_cases([folder.cases])
    pd.testing.assert_frame_equal(tables.overall(cases), tables.overall(own))
    assert set(tables.by_noise(cases)["noise"]) == {0.0, 0.2}
    assert set(tables.by_missing(cases)["missing"]) == {"pet"}
    assert set(tables.by_misalignment(cases)["misaligned"]) == {"none", "3mm"}
    assert tables.by_missing(own).empty and tables.by_misalignment(own).empty


def test_a_condition_that_makes_no_difference_to_any_run_is_refused(cohort, tmp_path):
    run = begin(tmp_path, tiny(data={"modalities": ["mr"]}), cohort)
    run.cases.touch()
    run.done.write_text("{}")
    with pytest.raises(ValueError, match=r"No run that matches .* is done and concerned by noise-0.2"):
        evaluate([tmp_path], noisy("high"))


def test_exactly_one_condition_is_asked_for(folder):
    result = petmr("evaluate", folder.path, "--noise", "high", "--missing", "pet")
    assert result.returncode == 1
    assert "give one of --missing, --noise, --misaligned, --cohort, not 2" in result.stderr
