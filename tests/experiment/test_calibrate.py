import pandas as pd
import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, tiny, work_on

from benchmark.__main__ import main
from benchmark.report.numbers import compute
from benchmark.report.sheets.calibration import calibration_sheets
from benchmark.runs.evidence import gather
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    cohort = make_cohort(tmp_path_factory.mktemp("data"), subjects=4)
    begun = begin(tmp_path_factory.mktemp("runs") / "my runs", tiny(), cohort)
    work_on(begun)
    return begun


@pytest.fixture(scope="module")
def runs(folder):
    return folder.path.parents[1]


def test_every_labelled_voxel_of_the_test_subjects_is_counted(folder, runs, capsys):
    main(["calibrate", str(runs)])
    counts = pd.read_csv(folder.path / "calibration.csv")
    cases = pd.read_csv(folder.cases)
    labelled = (cases["tp"] + cases["fp"]).groupby([cases["subject"], cases["structure"]]).sum()
    found = counts.groupby(["subject", "structure"])["voxels"].sum()
    for key, voxels in labelled[labelled > 0].items():
        assert found[key] == pytest.approx(voxels, rel=0.01)  # half precision may turn a tie
    right = counts.groupby("structure")["correct"].sum()
    assert (right <= counts.groupby("structure")["voxels"].sum()).all()
    assert f"Next: petmr report '{runs}'" in capsys.readouterr().out.replace("\n", "")


def test_what_was_measured_is_left_alone_and_what_was_altered_is_measured_again(folder, runs):
    main(["calibrate", str(runs)])
    table = folder.path / "calibration.csv"
    before, text = table.stat().st_mtime_ns, table.read_text()
    main(["calibrate", str(runs)])
    assert table.stat().st_mtime_ns == before
    table.write_text(text.replace("s", "t", 3))
    main(["calibrate", str(runs)])
    assert table.read_text() == text


def test_the_report_of_a_folder_and_of_its_pack_show_the_error_of_every_structure(folder, runs, tmp_path):
    main(["calibrate", str(runs)])
    (here,) = gather([runs])
    (sheet,) = calibration_sheets(here, compute(here))
    assert sheet.rows[0] == "all structures" and "Cortex" in sheet.rows
    assert 0 < sheet.columns[0].values[0] < 1
    pack([runs], tmp_path / "x.zip", Contents())
    with opened([tmp_path / "x.zip"]) as folders:
        (there,) = gather(folders)
        assert next(calibration_sheets(there, compute(there))).columns == sheet.columns


def test_nothing_to_measure_is_said(runs, capsys):
    with pytest.raises(SystemExit):
        main(["calibrate", str(runs), "--only", "x/*"])
    assert "No run that matches 'x/*' is done and was trained here" in capsys.readouterr().err
