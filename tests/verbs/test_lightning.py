import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, petmr, tiny, write_experiment

from benchmark.__main__ import main


@pytest.mark.parametrize("verb", ["fit", "validate", "test"])
def test_nothing_but_petmr_run_writes_into_the_folder_of_a_run(verb, tmp_path, capsys):
    folder = begin(tmp_path / "runs", tiny(), make_cohort(tmp_path / "data", subjects=4))
    before = sorted(folder.path.rglob("*"))
    with pytest.raises(SystemExit) as end:
        main([verb, "--config", str(folder.config), "--trainer.max_epochs", "1"])
    assert end.value.code == 1
    assert f"{folder.path}: belongs to `petmr run`" in capsys.readouterr().err
    assert sorted(folder.path.rglob("*")) == before


@pytest.mark.parametrize("verb", ["fit", "validate", "test"])
@pytest.mark.parametrize("form", [["--config", "{}"], ["--config={}"], ["-c", "{}"]], ids=" ".join)
def test_an_experiment_is_no_configuration_of_one_network(verb, form, tmp_path, capsys):
    path = write_experiment(tmp_path / "mine one.yaml", tiny())
    with pytest.raises(SystemExit) as end:
        main([verb, *(word.format(path) for word in form)])
    assert end.value.code == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"petmr: {path}: is an experiment, and petmr {verb} takes the configuration of one network.")
    assert f"petmr run '{path}' --cohort COHORT" in said


def test_the_help_is_short_and_points_to_experiments():
    shown = petmr("fit", "--help")
    assert "petmr run --help" in shown.stdout
    assert len(shown.stdout.splitlines()) < 20
