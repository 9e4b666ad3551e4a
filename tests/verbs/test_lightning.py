import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, tiny

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
