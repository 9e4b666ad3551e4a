import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import make_cohort, write_source

from benchmark.__main__ import main
from benchmark.sharing.nnunet import Dataset, export_nnunet
from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.cohort.splits import Splits, load_splits
from datamodules.cohort.store import Cohort
from datamodules.sources.find import find_subjects


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=5)


@pytest.fixture(scope="module")
def splits(cohort: Cohort) -> Splits:
    return load_splits(cohort, 2, 0)


@pytest.fixture(scope="module")
def raw(cohort: Cohort, splits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_nnunet(cohort, splits, tmp_path_factory.mktemp("out"))


def rules_broken(raw: Path) -> list[str]:
    """What documentation/dataset_format.md of nnU-Net v2 asks for and a dataset doesn't keep."""
    described = json.loads((raw / "dataset.json").read_text())
    ending, channels = described["file_ending"], described["channel_names"]
    cases = sorted(path.name.removesuffix(ending) for path in (raw / "labelsTr").iterdir())
    images = {path.name for path in (raw / "imagesTr").iterdir()}
    wanted = {f"{case}_{int(channel):04d}{ending}" for case in cases for channel in channels}
    broken = [f"images {images ^ wanted}"] if images != wanted else []
    if list(channels) != [str(number) for number in range(len(channels))]:
        broken.append("channels aren't numbered from 0")
    if described["labels"].get("background") != 0 or sorted(described["labels"].values()) != list(
        range(len(described["labels"]))
    ):
        broken.append("labels aren't consecutive from background 0")
    if described["numTraining"] != len(cases):
        broken.append("numTraining")
    for case in cases:
        broken += _broken_case(raw, case, described)
    return broken


def _broken_case(raw: Path, case: str, described: dict) -> list[str]:
    label = nib.load(raw / "labelsTr" / f"{case}.nii.gz")
    found = np.asanyarray(label.dataobj)
    broken = [] if set(np.unique(found)) <= set(described["labels"].values()) else [f"{case}: unknown labels"]
    for channel in described["channel_names"]:
        image = nib.load(raw / "imagesTr" / f"{case}_{int(channel):04d}.nii.gz")
        if image.shape != label.shape or not np.allclose(image.affine, label.affine):
            broken.append(f"{case}: channel {channel} lies elsewhere")
        if not np.isfinite(image.get_fdata()).all():
            broken.append(f"{case}: channel {channel} has NaN")
    return broken


def test_the_raw_dataset_keeps_nnunets_documented_rules(raw: Path):
    assert rules_broken(raw) == []
    assert json.loads((raw / "dataset.json").read_text())["channel_names"] == {"0": "PET", "1": "MR"}


@pytest.mark.nnunet
def test_nnunets_own_integrity_check_finds_nothing(raw: Path):
    check = (
        "import sys; from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity\n"
        f"verify_dataset_integrity({str(raw)!r}, 1); assert 'torchvision' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rror" not in done.stdout.replace("If you didn't see any error messages", "")


def test_images_and_labels_are_those_that_our_networks_see_where_the_subject_lay(cohort: Cohort, raw: Path):
    pet, mr = (nib.load(raw / f"imagesTr/s1_000{channel}.nii.gz") for channel in (0, 1))
    np.testing.assert_array_equal(pet.get_fdata(dtype=np.float32), cohort.images("s1")[0].astype(np.float32))
    np.testing.assert_array_equal(mr.get_fdata(dtype=np.float32), cohort.images("s1")[1].astype(np.float32))
    label = nib.load(raw / "labelsTr/s1.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(label.dataobj), cohort.label("s1"))
    source = nib.load(cohort.path.parent / "source/s1/label.nii.gz")
    thalamus = cohort.protocol.names.index("Thalamus")
    there, here = (
        np.argwhere(np.asanyarray(image.dataobj) == value) for image, value in ((source, 10), (label, thalamus))
    )
    np.testing.assert_allclose(
        nib.affines.apply_affine(source.affine, there).mean(0), nib.affines.apply_affine(label.affine, here).mean(0)
    )


def test_nnunet_gets_our_folds_and_never_sees_a_test_subject(cohort: Cohort, splits: Splits, raw: Path):
    written = json.loads((raw.parents[1] / "nnUNet_preprocessed/Dataset001_petmr/splits_final.json").read_text())
    for number, (fold, own) in enumerate(zip(written, splits.folds, strict=True)):
        assert (fold["train"], fold["val"]) == (sorted(own.train), sorted(own.validation))
        images = {path.name for path in (raw.parents[1] / f"test/fold-{number}").iterdir() if path.is_file()}
        assert images == {f"{subject}_000{channel}.nii.gz" for subject in own.test for channel in (0, 1)}


def test_an_interrupted_export_goes_on_and_another_cohort_is_refused(
    cohort: Cohort, splits: Splits, raw: Path, tmp_path: Path
):
    label = raw / "labelsTr/s0.nii.gz"
    before = label.stat().st_mtime_ns
    (raw / "labelsTr/s1.nii.gz").unlink()
    export_nnunet(cohort, splits, raw.parents[1])
    assert label.stat().st_mtime_ns == before and rules_broken(raw) == []
    other = make_cohort(tmp_path, subjects=4)
    with pytest.raises(ValueError, match=f"cohort {cohort.fingerprint} then, {other.fingerprint} now"):
        export_nnunet(other, load_splits(other, 2, 0), raw.parents[1])


def test_sides_that_nnunet_would_confuse_are_told_and_its_mirroring_left_out(tmp_path: Path):
    cohort = prepare(find_subjects(write_source(tmp_path / "source")), tmp_path / "cohort", PrepareSettings())
    raw = export_nnunet(cohort, load_splits(cohort, 2, 0), tmp_path / "out")
    commands = (raw.parents[1] / "README.txt").read_text()
    assert "nnUNetv2_train -tr nnUNetTrainerNoMirroring 1 3d_fullres 0" in commands and "confuse the sides" in commands


@pytest.mark.parametrize("settings", [{"number": 0}, {"number": 1000}, {"word": "a b"}, {"word": "../x"}])
def test_datasets_that_nnunet_would_not_find_are_refused(settings: dict):
    with pytest.raises(ValueError, match="nnU-Net n"):
        Dataset(**settings)


def test_the_verb_says_where_the_commands_are(cohort: Cohort, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["export", "nnunet", str(cohort.path), str(tmp_path / "out"), "--folds", "2", "--word", "heads"])
    assert f"5 subjects in {tmp_path}/out/nnUNet_raw/Dataset001_heads" in "".join(capsys.readouterr().out.split("\n"))
