import pandas as pd
import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, petmr, retest, tiny

from benchmark.experiment.conditions import Conditions, elsewhere, noisy, without
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
    clean, loud, blind = (pd.read_csv(folder.path / f"cases{name}.csv") for name in ("", "-noise-high", "-missing-pet"))
    assert [*clean.columns, "noise"] == list(loud.columns)
    assert set(loud["noise"]) == {0.2}
    assert set(blind["missing"]) == {"pet"}
    assert sorted(set(loud["subject"])) == sorted(set(clean["subject"]))
    assert not loud["dice"].equals(clean["dice"])
    assert not blind["dice"].equals(clean["dice"])
    assert len(list((folder.path / "predictions-noise-high").glob("*.nii.gz"))) == clean["subject"].nunique()


def test_no_noise_is_no_condition_and_a_modality_must_be_there():
    for level in ("none", 0.0):
        with pytest.raises(ValueError, match="is no noise"):
            noisy(level)
    with pytest.raises(ValueError, match="Modality ct can't be missing: the cohort has pet, mr"):
        Conditions(missing=["ct"]).all(["pet", "mr"])


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
    cases = read_cases([folder.cases, folder.path / "cases-noise-high.csv", folder.path / "cases-missing-pet.csv"])
    own = read_cases([folder.cases])
    pd.testing.assert_frame_equal(tables.overall(cases), tables.overall(own))
    assert set(tables.by_noise(cases)["noise"]) == {0.0, 0.2}
    assert set(tables.by_missing(cases)["missing"]) == {"pet"}
    assert tables.by_missing(own).empty


def test_a_condition_that_makes_no_difference_to_any_run_is_refused(cohort, tmp_path):
    run = begin(tmp_path, tiny(data={"modalities": ["mr"]}), cohort)
    run.cases.touch()
    run.done.write_text("{}")
    with pytest.raises(ValueError, match=r"No run that matches .* is done and concerned by noise-high"):
        evaluate([tmp_path], noisy("high"))


def test_exactly_one_condition_is_asked_for(folder):
    result = petmr("evaluate", folder.path, "--noise", "high", "--missing", "pet")
    assert result.returncode == 1
    assert "give one of --missing, --noise, --cohort, not 2" in result.stderr
