import json

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import brain, make_cohort, save, write_source
from builders.sources import write_freesurfer, write_sessions

from benchmark.__main__ import main, shortened
from datamodules.cohort.store import open_cohort
from datamodules.findings import FaultyDataError
from datamodules.sources.find import find_subjects


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
    words = ["--frames", "1:3", "--protocol", "coarse9", "--scaling", '{"pet": "0:137919"}']
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
        (["--spacing", "-1"], "spacing is -1.0x-1.0x-1.0 mm"),
        (["--coverage", "0"], "coverage is 0.0"),
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


def test_one_scaling_is_for_all_modalities(tmp_path):
    manifest, cohort = str(write_source(tmp_path / "source", 3)), tmp_path / "cohort"
    main(["prepare", manifest, str(cohort), "--protocol", "coarse9", "--scaling", "p1:p98"])
    assert open_cohort(cohort).settings["scaling"] == {"pet": "p1:p98", "mr": "p1:p98"}


def test_percentiles_are_explained(capsys):
    with pytest.raises(SystemExit):
        main(["prepare", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "percentiles of each image's voxels above zero" in said
    assert "Subjects to leave out; nothing of them is read." in said


def test_commands_to_go_on_with_can_be_given_as_they_stand(tmp_path, capsys):
    manifest = write_source(tmp_path / "my source", 3)
    main(["prepare", str(manifest), str(tmp_path / "Köln 1"), "--protocol", "coarse9"])
    assert f"Next: petmr run EXPERIMENT.yaml --cohort '{tmp_path}/Köln 1'" in capsys.readouterr().out
    main(["simulate", str(tmp_path / "my phantom"), "--subjects", "1", "--size", "24", "--spacing", "8"])
    assert f"Next: petmr prepare '{tmp_path}/my phantom' COHORT" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--sheet", "sheet.jpg"], "expected a name that ends in .png"),
        (["--sheet", "source/sheet.png/x.png"], "can't be written, as"),
        (["--sheet", "source"], "is a folder"),
        (["--json", "source/manifest.csv/x.json"], "can't be written, as"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_anything_is_read(
    tmp_path, capsys, monkeypatch, options, match
):
    manifest = write_source(tmp_path / "source", 1)
    (tmp_path / "source/sheet.png").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datamodules.sources.find.list_source", lambda *a, **b: pytest.fail("the source was read"))
    assert match in fails(capsys, "check", str(manifest), *options)
    if "--json" in options:
        assert match in fails(capsys, "prepare", str(manifest), "cohort", *options)


def test_every_finding_is_told_where_asked(tmp_path, capsys):
    manifest = str(write_source(tmp_path / "source", 4))
    main(["check", manifest, "--protocol", "coarse9"])
    short = capsys.readouterr().out
    main(["check", manifest, "--protocol", "coarse9", "--all"])
    long = capsys.readouterr().out
    assert "4: s0, s1, s2 and 1 more" in " ".join(short.split())
    assert "A row a kind, 5 findings in all: --all or --json FILE tells each." in short
    assert long.count("absent: Ventricles") == 4 * short.count("absent: Ventricles") == 4
    main(["prepare", manifest, str(tmp_path / "cohort"), "--protocol", "coarse9", "--all"])
    assert capsys.readouterr().out.count("absent: Ventricles") == 4


def test_every_error_of_a_refused_source_is_told_where_asked(tmp_path, capsys):
    manifest = str(write_source(tmp_path / "source", 4))
    for index in range(3):
        save(tmp_path / f"source/s{index}/pet.nii.gz", np.zeros((24, 24, 24), np.float32))
    for options, rows in (([], 1), (["--all"], 3)):
        with pytest.raises(SystemExit):
            main(["prepare", manifest, str(tmp_path / "cohort"), "--protocol", "coarse9", *options])
        assert capsys.readouterr().out.count("every voxel is 0") == rows


def test_a_picture_is_written_as_it_is_called(tmp_path, capsys):
    cohort = str(make_cohort(tmp_path, subjects=3).path)
    main(["picture", cohort, "s0", str(tmp_path / "p.png")])
    main(["picture", cohort, "s0", str(tmp_path / "q")])
    assert {path.name for path in tmp_path.iterdir()} == {"source", "cohort", "p.png", "q.png", "q.pdf"}
    assert f"Picture: {tmp_path}/p.png" in capsys.readouterr().out


def test_an_error_of_many_lines_is_told_in_three(tmp_path, capsys):
    manifest = write_source(tmp_path / "source", 6)
    for index in range(6):
        (tmp_path / f"source/s{index}/pet.nii.gz").unlink()
    with pytest.raises(FaultyDataError) as fault:
        find_subjects(manifest)
    lines = shortened(str(fault.value)).splitlines()
    assert len(lines) == 4
    assert lines[-1] == "(3 more lines: --debug shows all.)"
    assert shortened("short") == "short"
    assert len(shortened("x" * 5000)) < 700


def test_options_that_would_be_ignored_are_refused(tmp_path, capsys):
    manifest = str(write_source(tmp_path / "source", 3))
    said = fails(capsys, "check", manifest, "--session", "a", "--pet", str(tmp_path))
    assert "--pet, --session means nothing for a source of the layout 'manifest'." in said
    main(["prepare", manifest, str(tmp_path / "cohort"), "--protocol", "coarse9"])
    said = fails(capsys, "check", str(tmp_path / "cohort"), "--spacing", "2")
    assert "is a prepared cohort: it is checked as it is; leave away --spacing." in said


def test_folds_of_another_kind_are_not_kept_in_silence(tmp_path, capsys):
    manifest = write_source(tmp_path / "source", 3)
    lines = manifest.read_text().splitlines()
    parts = ("part", "train", "validation", "test")
    manifest.write_text("\n".join(f"{line},{part}" for line, part in zip(lines, parts, strict=True)))
    main(["prepare", str(manifest), str(tmp_path / "cohort"), "--protocol", "coarse9"])
    main(["split", str(tmp_path / "cohort"), "--folds", "1", "--kind", "test-only"])
    said = fails(capsys, "split", str(tmp_path / "cohort"), "--folds", "1", "--kind", "own")
    assert "holds other folds than those of the kind 'own'. Delete it to have them made." in said
