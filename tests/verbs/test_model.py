import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from builders.cohorts import LIA, brain, make_cohort, save, write_source
from builders.sources import save_mgz, write_bids, write_freesurfer, write_sessions
from builders.trained import train

from benchmark.__main__ import main
from benchmark.checkpoints import SafeCheckpointIO
from datamodules.cohort.store import open_cohort
from datamodules.labels.protocol import load_protocol


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
    assert "1 subject labelled" in capsys.readouterr().out


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
    told = json.loads(summary.read_text())
    (dice,) = (row for row in told["all"] if row["metric"] == "dice")
    assert "Cortex" in {row["structure"] for row in told["structures"]}
    assert 0 < dice["mean"] < 1
    assert dice["n"] == 4


def test_a_missing_file_of_one_subject_does_not_stop_the_others(checkpoint, tmp_path, capsys):
    manifest, found = write_source(tmp_path / "source", 3), tmp_path / "found"
    (tmp_path / "source/s1/pet.nii.gz").unlink()
    words = ["--source", manifest, "--output", found, "--device", "cpu"]
    said = fails(capsys, "predict", "--checkpoint", checkpoint, *words)
    assert said.endswith("petmr: 1 of 3 subjects aren't labelled: s1; the table says why.\n")
    assert {path.name for path in found.glob("*_dseg.nii.gz")} == {"s0_dseg.nii.gz", "s2_dseg.nii.gz"}


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "Name the images of one subject"),
        (["--image", "flair"], "--image flair isn't understood"),
        (["--mr", "nowhere.nii.gz"], "There is no such file"),
        (
            ["--mr", "x.nii.gz", "--session", "a"],
            "These choose among the files of a --source, and there is none; leave",
        ),
        (
            ["--source", "m.csv", "--subject", "s1"],
            "The subjects of a source have names of their own; leave away --sub",
        ),
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
    assert "Network 'unet4d' isn't known: choose one of cross_fusion" in fails(
        capsys, "profile", "--networks", "unet4d"
    )


def test_dynamic_pet_is_averaged_as_in_the_training_or_as_asked(cohort, checkpoint, tmp_path, capsys):
    pet, mr, _ = brain(0)
    save(tmp_path / "pet.nii.gz", np.stack([pet * 0, pet, pet], -1))
    (tmp_path / "pet.json").write_text('{"FrameDuration": [60, 60, 60]}')
    save(tmp_path / "mr.nii.gz", mr)
    words = ["--pet", tmp_path / "pet.nii.gz", "--mr", tmp_path / "mr.nii.gz", "--output", tmp_path / "out"]
    with pytest.raises(SystemExit):
        main(["predict", "--checkpoint", str(checkpoint), *map(str, words)])
    said = capsys.readouterr()
    assert "1 of 1 subjects aren't labelled: mr; the table says why." in said.err
    assert "--frames 0:3" in " ".join(said.out.split())
    assert not (tmp_path / "out").exists()
    main(["predict", "--checkpoint", str(checkpoint), *map(str, words), "--frames", "1:3", "--subject", "ann"])
    volumes = pd.read_csv(tmp_path / "out/volumes.csv")
    assert volumes["max"].max() > 1

    entry = torch.load(checkpoint, weights_only=True)
    entry["PETMRDataModule"]["preparation"]["settings"]["frames"] = "1:3"
    SafeCheckpointIO().save_checkpoint(entry, tmp_path / "dynamic.ckpt")
    main(["predict", "--checkpoint", str(tmp_path / "dynamic.ckpt"), *map(str, words), "--subject", "bob"])
    again = pd.read_csv(tmp_path / "out/volumes.csv")
    assert again[again["subject"] == "bob"]["ml"].tolist() == volumes["ml"].tolist()


def test_freesurfer_subjects_and_sessions_of_bids_are_labelled(checkpoint, tmp_path, capsys):
    subjects, selection = write_freesurfer(tmp_path / "fs")
    words = ["predict", "--checkpoint", str(checkpoint), "--output", str(tmp_path / "out")]
    main([*words, "--source", str(subjects), "--pet", str(selection.pet), "--exclude", "ann2"])
    bids = str(write_sessions(tmp_path / "bids"))
    assert "Choose with --session base or late" in fails(capsys, *words, "--source", bids)
    main([*words, "--source", bids, "--session", "late", "--tracer", "FDG"])
    written = {path.name for path in (tmp_path / "out").glob("*_dseg.nii.gz")}
    assert written == {"ann_dseg.nii.gz", "sub-1_ses-late_dseg.nii.gz"}
    assert set(pd.read_csv(tmp_path / "out/volumes.csv")["subject"]) == {"ann", "sub-1_ses-late"}


def test_of_several_tracers_and_runs_the_named_ones_are_labelled(checkpoint, tmp_path, capsys):
    bids = write_bids(tmp_path / "bids", 1)
    save(bids / "sub-0/pet/sub-0_trc-PIB_pet.nii.gz", brain(1)[0])
    (bids / "sub-0/anat/sub-0_T1w.nii.gz").rename(bids / "sub-0/anat/sub-0_run-1_T1w.nii.gz")
    save(bids / "sub-0/anat/sub-0_run-2_T1w.nii.gz", brain(0)[1])
    words = ["predict", "--checkpoint", str(checkpoint), "--output", str(tmp_path / "out"), "--source", str(bids)]
    assert "Choose with --tracer 18FFDG or PIB" in fails(capsys, *words, "--run", "2")
    assert "Choose with --run 1 or 2" in fails(capsys, *words, "--tracer", "PIB")
    main([*words, "--tracer", "PIB", "--run", "2"])
    assert (tmp_path / "out/sub-0_dseg.nii.gz").is_file()


def test_new_subjects_may_be_read_less_strictly_as_in_prepare(checkpoint, tmp_path, capsys):
    pet, mr, _ = brain(0)
    pet[3, 4, 5] = np.nan
    away = LIA.copy()
    away[0, 3] += 8
    images = ["--pet", save(tmp_path / "pet.nii.gz", pet, away), "--mr", save(tmp_path / "mr.nii.gz", mr)]
    words = ["predict", "--checkpoint", checkpoint, *images, "--subject", "ann", "--output", tmp_path / "out"]
    for options in (["--nan", "zero"], ["--coverage", "0.5"]):
        assert "1 of 1 subjects aren't labelled: ann" in fails(capsys, *words, *options)
    main([*map(str, words), "--nan", "zero", "--coverage", "0.5"])
    assert (tmp_path / "out/ann_dseg.nii.gz").is_file()


def test_label_maps_are_not_looked_for(checkpoint, tmp_path):
    bids = write_bids(tmp_path / "bids", 1)
    save(bids / "derivatives/other/sub-0/anat/sub-0_desc-aseg_dseg.nii.gz", brain(0)[2])  # a second pipeline
    main(["predict", "--checkpoint", str(checkpoint), "--output", str(tmp_path / "out"), "--source", str(bids)])
    assert (tmp_path / "out/sub-0_dseg.nii.gz").is_file()


def test_a_network_of_mr_alone_labels_mr_alone(tmp_path, capsys):
    subjects, selection = write_freesurfer(tmp_path / "fs", ("ann", "bob", "cat", "dan"))
    main(["prepare", str(subjects), str(tmp_path / "cohort"), "--protocol", "coarse9"])
    path = train(open_cohort(tmp_path / "cohort"), tmp_path)
    words = ["predict", "--checkpoint", str(path), "--output", str(tmp_path / "out"), "--source", str(subjects)]
    main([*words, "--exclude", "bob", "cat", "dan"])
    assert list(pd.read_csv(tmp_path / "out/volumes.csv").columns) == ["subject", "structure", "label", "ml"]
    main([*words, "--pet", str(selection.pet), "--exclude", "ann", "cat", "dan"])
    assert "Not read, as the network doesn't know it: pet" in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("*_dseg.nii.gz"))) == 2


@pytest.mark.parametrize("verb", ["predict", "profile", "bench"])
@pytest.mark.parametrize("device", ["cuda:99", "gpu"])
def test_a_device_that_is_not_there_is_one_sentence(checkpoint, images, tmp_path, capsys, verb, device):
    words = {
        "predict": ["predict", "--checkpoint", checkpoint, *images, "--output", tmp_path / "out"],
        "profile": ["profile", "--networks", "unet3d", "--patch", "32", "--run"],
        "bench": ["bench", "step", "--networks", "unet3d", "--patch", "32"],
    }[verb]
    said = fails(capsys, *words, "--device", device)
    assert said.splitlines()[-1] == f"petmr: There is no device '{device}' here: choose of {present()}."
    assert not (tmp_path / "out").exists()


def present() -> str:
    return ", ".join(["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))])


def test_one_label_map_is_scored_against_another_with_a_row_a_structure(tmp_path, capsys):
    truth = save(tmp_path / "truth.nii.gz", brain(0)[2])
    mine = save(tmp_path / "of FreeSurfer.nii.gz", np.roll(brain(0)[2], 1, 0))
    main(["score", str(mine), str(truth), "--protocol", "coarse9", "--output", str(tmp_path / "cases.csv")])
    said = capsys.readouterr().out
    assert "1 subject, 8 structures" in said
    for structure in load_protocol("coarse9").names[1:]:
        assert structure in said


def test_of_freesurfers_label_maps_the_named_one_is_scored(tmp_path):
    subjects, _ = write_freesurfer(tmp_path / "fs", ["ann"])
    save_mgz(subjects / "ann/mri/wmparc.mgz", np.roll(brain(0)[2], 1, 0).astype(np.int32))
    mine, output = save(tmp_path / "mine/ann_dseg.nii.gz", brain(0)[2]), tmp_path / "cases.csv"
    words = ["score", str(mine.parent), str(subjects), "--protocol", "coarse9", "--output", str(output)]
    main([*words, "--segmentation", "wmparc"])
    assert pd.read_csv(output)["dice"].max() < 1
    main(words)
    assert pd.read_csv(output)["dice"].dropna().eq(1).all()


def test_score_tries_its_output_first(tmp_path, capsys):
    label = save(tmp_path / "a.nii.gz", brain(0)[2])
    assert "is a folder" in fails(capsys, "score", label, label, "--output", tmp_path)


def test_a_network_of_ones_own_is_profiled_beside_ours(capsys):
    main(["profile", "--networks", "unet3d", "builders.own_network.TinyNet", "--patch", "32"])
    assert "builders.own_network.TinyNet" in capsys.readouterr().out
    assert "or the class path of your own" in fails(capsys, "profile", "--networks", "builders.nowhere.TinyNet")
