import json
from pathlib import Path

import pandas as pd
import pytest
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.runs import cases_on, write_runs
from builders.tiny_experiment import tiny, write_experiment

from benchmark.__main__ import main
from benchmark.experiment.definition import load_experiment
from benchmark.experiment.workflow import RunOptions, run_experiment
from benchmark.report.numbers import compute
from benchmark.report.sheets.covariates import covariate_sheets, divide
from benchmark.runs.evidence import gather
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import opened
from datamodules.cohort.store import Cohort, open_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    made = make_cohort(tmp_path_factory.mktemp("data"), subjects=6)
    entry = json.loads((made.path / "cohort.json").read_text())
    for number, subject in enumerate(entry["subjects"]):
        subject["covariates"] = {"sex": "FM"[number % 2], "age": str(40 + 5 * number), "sex M/F": "?"}
    (made.path / "cohort.json").write_text(json.dumps(entry))
    return open_cohort(made.path)


@pytest.fixture(scope="module")
def runs(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = cases_on(cohort, cases_of(subjects=6, skill={"unet3d": 0.6}), folds=2)
    return write_runs(tmp_path_factory.mktemp("runs"), cases, cohort.path)


def test_a_sheet_has_a_column_for_each_level_with_its_n_and_a_caution(cohort: Cohort, runs: Path):
    (evidence,) = gather([runs])
    sex, age = covariate_sheets(evidence, compute(evidence), divide(evidence, ["sex", "age:50"], cohort))
    assert [column.heading for column in sex.columns] == ["F (n = 3)", "M (n = 3)", "n tested", "p", "p (Holm)"]
    assert [column.heading for column in age.columns[:2]] == ["< 50 (n = 2)", "≥ 50 (n = 4)"]
    assert sex.rows == ("cross_fusion", "unet3d")
    assert "all 4 such tests here" in sex.note and "they confirm nothing" in sex.note


def test_names_of_covariates_are_made_fit_for_files(cohort: Cohort, runs: Path):
    (evidence,) = gather([runs])
    (sheet,) = covariate_sheets(evidence, compute(evidence), divide(evidence, ["sex M/F"], cohort))
    assert sheet.name == "by_sex_M_F"
    assert sheet.note.endswith("Nothing is tested: no two levels have two subjects each.")


def test_an_unknown_covariate_is_refused_with_the_known_ones(cohort: Cohort, runs: Path, tmp_path: Path):
    (evidence,) = gather([runs])
    with pytest.raises(ValueError, match="Covariate site isn't known: the cohort has sex, age, sex M/F"):
        divide(evidence, ["site"], cohort)
    file = write_experiment(tmp_path / "e.yaml", tiny())
    file.write_text(file.read_text() + "report: {by: [site]}\n")
    assert load_experiment(file).report.by == ["site"]
    with pytest.raises(ValueError, match="Covariate site isn't known"):
        run_experiment(file, cohort.path, tmp_path / "runs", RunOptions())
    assert not (tmp_path / "runs").exists()


def test_a_pack_tells_what_was_taken_along_and_says_what_was_not(cohort: Cohort, runs: Path, tmp_path: Path):
    pack([runs], tmp_path / "x.zip", Contents(covariates=("sex",)))
    with opened([tmp_path / "x.zip"]) as folders:
        (there,) = gather(folders)
        divided = divide(there, ["sex", "age"], None)
        sex, absent = covariate_sheets(there, compute(there), divided)
    (here,) = gather([runs])
    pd.testing.assert_frame_equal(divided.summary, divide(here, ["sex"], cohort).summary)
    assert sex.name == "by_sex" and absent.note.startswith("age: neither the cohort nor the packs at hand hold it")


@pytest.mark.slow
def test_the_report_divides_by_what_is_asked(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["report", str(runs), "--output", str(tmp_path), "--by", "sex", "age:50"])
    assert {"by_sex.md", "by_age.tex"} <= {path.name for path in (tmp_path / "test/tables").iterdir()}
    assert set(pd.read_csv(tmp_path / "test/numbers/by_covariate.csv")["covariate"]) == {"sex", "age"}
    assert "By sex" in (tmp_path / "report.html").read_text()
    assert "test: by sex" in capsys.readouterr().out
