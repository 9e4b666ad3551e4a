import json

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import brain, save, write_source
from builders.sources import write_freesurfer, write_sessions

from benchmark.__main__ import main
from datamodules.cohort.store import open_cohort


def fails(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 1
    return capsys.readouterr().err


def test_a_source_goes_from_check_to_folds(tmp_path, capsys):
    manifest, cohort = str(write_source(tmp_path / "source", 5)), str(tmp_path / "cohort")
    main(["check", manifest, "--protocol", "coarse9", "--sheet", str(tmp_path / "sheet.png")])
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    main(["prepare", manifest, cohort, "--protocol", "coarse9", "--spacing", "2", "--processes", "2"])
    main(["split", cohort, "--folds", "3", "--seed", "4"])
    said = capsys.readouterr().out
    assert "2 test" in said
    rows = (tmp_path / "cohort/splits/3-folds-seed-4.csv").read_text().splitlines()
    assert rows[0] == "subject,group,fold-0,fold-1,fold-2"
    assert sorted(rows[1].split(",")[2:]).count("test") == 1
    main(["check", cohort, "--sheet", str(tmp_path / "again.png"), "--json", str(tmp_path / "found.json")])
    assert json.loads((tmp_path / "found.json").read_text())["counts"]["error"] == 0


def test_sessions_are_separated_by_commas(tmp_path, capsys):
    source = str(write_sessions(tmp_path / "bids"))
    assert "errors: 1" in fails(capsys, "check", source, "--layout", "bids")
    main(["prepare", source, str(tmp_path / "cohort"), "--session", "base,late", "--protocol", "coarse9"])
    assert list(open_cohort(tmp_path / "cohort").subjects) == ["sub-1_ses-base", "sub-1_ses-late"]


def test_freesurfer_subjects_take_their_pet_from_a_folder(tmp_path):
    source, selection = write_freesurfer(tmp_path)
    words = ["--pet", str(selection.pet), "--protocol", "coarse9"]
    main(["prepare", str(source), str(tmp_path / "cohort"), *words])
    assert list(open_cohort(tmp_path / "cohort").subjects) == ["ann", "ann2"]


def test_frames_of_a_dynamic_pet_are_averaged(tmp_path):
    manifest = write_source(tmp_path / "source", 1)
    pet = brain(0)[0]
    save(tmp_path / "source/s0/pet.nii.gz", np.stack([pet * 0, pet, pet * 3], -1))
    (tmp_path / "source/s0/pet.json").write_text('{"FrameDuration": [60, 30, 10]}')
    words = ["--frames", "1:3", "--protocol", "coarse9"]
    main(["prepare", str(manifest), str(tmp_path / "cohort"), *words])
    cohort = open_cohort(tmp_path / "cohort")
    assert cohort.settings["frames"] == "1:3"
    expected = nib.load(tmp_path / "source/s0/label.nii.gz").get_fdata() == 3
    stored = cohort.images("s0")[0][np.asarray(cohort.label("s0")) == cohort.protocol.names.index("Cortex")]
    assert stored.astype(float).mean() == pytest.approx((pet[expected] * 1.5).mean() / 137919, rel=1e-3)


def test_an_external_cohort_is_only_tested_when_asked(tmp_path, capsys):
    manifest, cohort = str(write_source(tmp_path / "source", 1)), str(tmp_path / "cohort")
    main(["prepare", manifest, cohort, "--protocol", "coarse9"])
    assert "--kind test-only" in fails(capsys, "split", cohort, "--folds", "1")
    main(["split", cohort, "--folds", "1", "--kind", "test-only"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--spacing", "-1"], "spacing is -1.0 mm"),
        (["--overlap", "0"], "overlap is 0.0"),
        (["--frames", "x"], "Frames 'x' aren't understood"),
        (["--scaling", '{"pet": "x"}'], "Scaling 'x' isn't understood"),
        (["--protocol", "x"], "Unknown protocol 'x'"),
        (["--processes", "0"], "processes is 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, capsys, options, match):
    manifest = str(write_source(tmp_path / "source", 1))
    assert match in fails(capsys, "prepare", manifest, str(tmp_path / "cohort"), *options)
    assert match in fails(capsys, "check", manifest, *options)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
