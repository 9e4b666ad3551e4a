"""One subject's fault is not the others': what is prepared stays, and who is left out is recorded."""

import json

import numpy as np
import pytest
from builders.cohorts import COARSE, brain, save, write_source

from benchmark.__main__ import main
from datamodules.cohort.prepare import prepare
from datamodules.cohort.store import open_cohort
from datamodules.findings import FaultyDataError
from datamodules.sources.find import find_subjects

EMPTY = np.zeros((24, 24, 24), np.float32)


@pytest.fixture
def manifest(tmp_path):
    """Of five subjects the PET of s1 is empty."""
    path = write_source(tmp_path / "source", 5)
    save(tmp_path / "source/s1/pet.nii.gz", EMPTY)
    return path


def run(*words):
    main(["prepare", *map(str, words), "--protocol", "coarse9"])


def refused(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 1
    return capsys.readouterr()


def test_what_is_prepared_stays_and_the_same_call_goes_on(manifest, tmp_path):
    with pytest.raises(FaultyDataError, match=r"s1.*every voxel is 0"):
        prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    ready = tmp_path / "cohort.partial/volumes/s0_images.npy"
    written = ready.stat().st_mtime_ns
    save(tmp_path / "source/s1/pet.nii.gz", brain(1)[0])
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    assert (cohort.path / "volumes/s0_images.npy").stat().st_mtime_ns == written
    assert list(cohort.subjects) == ["s0", "s1", "s2", "s3", "s4"]
    assert not (tmp_path / "cohort.partial").exists()


def test_the_refusal_says_whom_and_how_to_go_on(manifest, tmp_path, capsys):
    said = refused(capsys, manifest, tmp_path / "cohort")
    assert said.err.splitlines()[-1] == (
        f"petmr: {manifest}: 1 of 5 subjects are faulty: s1. Mend them and give the same command, which goes on with "
        "what is ready, or leave them out: --exclude s1 or --skip-faulty."
    )
    assert "every voxel is 0" in said.out


def test_excluded_subjects_are_recorded_with_the_reason(manifest, tmp_path, capsys):
    (tmp_path / "source/s3/mr.nii.gz").unlink()
    run(manifest, tmp_path / "cohort", "--exclude", "s1", "s3")
    cohort = open_cohort(tmp_path / "cohort")
    assert list(cohort.subjects) == ["s0", "s2", "s4"]
    assert cohort.left_out == {"s1": "asked for (--exclude)", "s3": "asked for (--exclude)"}
    said = capsys.readouterr().out
    assert "Left out: s1, s3; " in said
    assert "Left out: asked for (--exclude)" in said
    assert "s1" in json.loads((tmp_path / "cohort/cohort.json").read_text())["left_out"]


def test_faulty_subjects_are_skipped_loudly_whatever_is_wrong_with_them(manifest, tmp_path, capsys):
    (tmp_path / "source/s3/mr.nii.gz").unlink()
    run(manifest, tmp_path / "cohort", "--skip-faulty", "--json", tmp_path / "found.json")
    cohort = open_cohort(tmp_path / "cohort")
    assert list(cohort.subjects) == ["s0", "s2", "s4"]
    assert "every voxel is 0" in cohort.left_out["s1"]
    assert "There is no such file (mr)" in cohort.left_out["s3"]
    assert "Left out: s3, s1; " in capsys.readouterr().out
    kinds = [(one["subject"], one["kind"]) for one in json.loads((tmp_path / "found.json").read_text())["findings"]]
    assert {("s1", "left out"), ("s3", "left out")} <= set(kinds)
    assert not list((tmp_path / "cohort/volumes").glob("s1*"))


def test_of_two_subjects_with_the_same_image_neither_is_trusted(tmp_path):
    manifest = write_source(tmp_path / "source", 5)
    (tmp_path / "source/s2/pet.nii.gz").write_bytes((tmp_path / "source/s4/pet.nii.gz").read_bytes())
    run(manifest, tmp_path / "cohort", "--skip-faulty")
    assert list(open_cohort(tmp_path / "cohort").subjects) == ["s0", "s1", "s3"]


def test_what_concerns_the_source_as_a_whole_is_never_skipped(tmp_path, capsys):
    manifest = write_source(tmp_path / "source", 3)
    for kind, volume in zip(("pet", "mr", "label"), brain(1), strict=True):
        save(tmp_path / f"source/s1/{kind}.nii.gz", volume, np.diag([2.0, 2, 2, 1]))
    said = refused(capsys, manifest, tmp_path / "cohort", "--skip-faulty")
    assert "can't be prepared as it is; the table says why." in said.err
    assert "Voxel sizes differ" in said.out


def test_nothing_is_left_where_nobody_is_sound(tmp_path, capsys):
    manifest = write_source(tmp_path / "source", 3)
    for index in range(3):
        save(tmp_path / f"source/s{index}/pet.nii.gz", EMPTY)
    assert "nobody is sound of 3 subjects; the table says why." in refused(capsys, manifest, tmp_path / "cohort").err
    assert "Nobody is left: all 3 subjects are faulty" in refused(capsys, manifest, tmp_path / "c", "--skip-faulty").err
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_check_leaves_out_whom_prepare_would(manifest, tmp_path, capsys):
    main(["check", str(manifest), "--protocol", "coarse9", "--exclude", "s1"])
    with pytest.raises(SystemExit):
        main(["check", str(manifest), "--protocol", "coarse9", "--exclude", "s2"])
    assert "errors: 1" in capsys.readouterr().err
