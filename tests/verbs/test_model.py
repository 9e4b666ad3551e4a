import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from builders.cohorts import brain, make_cohort, save
from builders.trained import train

from benchmark.__main__ import main


def fails(capsys, *words: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    assert stop.value.code == 1
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def checkpoint(cohort, tmp_path_factory):
    return train(cohort, tmp_path_factory.mktemp("trained"))


@pytest.fixture
def images(cohort):
    folder = cohort.path.parent / "source/s0"
    return ["--pet", str(folder / "pet.nii.gz"), "--mr", str(folder / "mr.nii.gz")]


def test_one_pair_is_labelled(checkpoint, images, tmp_path, capsys):
    words = ["predict", "--checkpoint", str(checkpoint), str(checkpoint), *images, "--subject", "ann"]
    options = ["--mirror", "true", "--weights", "gaussian", "--device", "cpu", "--uncertainty"]
    main([*words, "--output", str(tmp_path), *options])
    written = {path.name for path in tmp_path.iterdir()}
    entropy, labels = (nib.load(tmp_path / f"ann_{kind}.nii.gz") for kind in ("entropy", "dseg"))
    assert entropy.shape == labels.shape and (entropy.affine == labels.affine).all()
    assert 0 < entropy.get_fdata().max() <= 1
    assert written == {"ann_entropy.nii.gz", "ann_dseg.nii.gz", "ann.png", "volumes.csv", "labels.txt", "labels.ctbl"}
    assert "1 subjects labelled" in capsys.readouterr().out


def test_a_source_is_labelled_and_then_scored(cohort, checkpoint, tmp_path, capsys):
    source, found = cohort.path.parent / "source", tmp_path / "found"
    words = ["--source", str(source / "manifest.csv"), "--output", str(found), "--device", "cpu"]
    main(["predict", "--checkpoint", str(checkpoint), *words])
    for index in range(4):
        save(tmp_path / f"truth/s{index}.nii.gz", brain(index)[2])
    output, summary = tmp_path / "cases.csv", tmp_path / "summary.json"
    words = [str(found), str(tmp_path / "truth"), "--protocol", "coarse9", "--output", str(output)]
    main(["score", *words, "--json", str(summary)])
    said = capsys.readouterr().out
    assert all(word in said for word in ("metric", "missed", "spurious", "hausdorff95_mm", "4 subjects, 8 structures"))
    assert len(pd.read_csv(output)) == 4 * 8
    (dice,) = (row for row in json.loads(summary.read_text()) if row["metric"] == "dice")
    assert 0 < dice["mean"] < 1
    assert dice["n"] == 4


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "Name the images of one subject"),
        (["--image", "flair"], "--image flair isn't understood"),
        (["--mr", "nowhere.nii.gz"], "There is no such file"),
    ],
)
def test_images_that_make_no_sense_are_refused(checkpoint, tmp_path, capsys, words, match):
    assert match in fails(capsys, "predict", "--checkpoint", checkpoint, "--output", tmp_path, *words)


def test_a_checkpoint_that_is_not_there_is_named(images, tmp_path, capsys):
    said = fails(capsys, "predict", "--checkpoint", tmp_path / "no.ckpt", *images, "--output", tmp_path)
    assert said == f"petmr: {tmp_path}/no.ckpt: there is no such checkpoint.\n"


def test_files_without_a_partner_are_listed(tmp_path, capsys):
    save(tmp_path / "one/a.nii.gz", np.zeros((4, 4, 4), np.uint8))
    save(tmp_path / "other/b.nii.gz", np.zeros((4, 4, 4), np.uint8))
    said = fails(capsys, "score", tmp_path / "one", tmp_path / "other", "--output", tmp_path / "cases.csv")
    assert "Has no prediction of b" in said
    assert "Has no truth of a" in said


def test_networks_are_profiled_into_every_form(tmp_path, capsys):
    files = [str(tmp_path / f"table.{end}") for end in ("json", "csv", "md")]
    forms = ["--json", files[0], "--csv", files[1], "--markdown", files[2]]
    main(["profile", "--networks", "unet3d", "vnet", "--patch", "32", *forms])
    rows = json.loads((tmp_path / "table.json").read_text())
    assert [row["network"] for row in rows] == ["unet3d", "vnet"]
    assert pd.read_csv(files[1])["parameters"].tolist() == [row["parameters"] for row in rows]
    assert f"{rows[0]['parameters']:,}" in (tmp_path / "table.md").read_text()
    assert "GMAC" in capsys.readouterr().out


def test_an_unknown_network_is_refused_with_the_known_ones(capsys):
    assert "unet4d isn't known: choose of cross_fusion" in fails(capsys, "profile", "--networks", "unet4d")
