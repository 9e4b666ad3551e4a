import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.runs import cases_on, write_condition, write_predictions, write_runs
from builders.sketches import sketch_all

import benchmark.report.write
from benchmark.report.certificate import packed_folds
from benchmark.report.numbers import compute
from benchmark.report.options import ReportOptions
from benchmark.report.sheets.covariates import divide
from benchmark.report.write import report, write_tables
from benchmark.runs.evidence import find_runs, gather, write_grid
from benchmark.runs.images import images_of, packed_images
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.privacy import plain_yaml, public_config
from benchmark.sharing.unpack import opened
from datamodules.cohort.splits import load_splits
from datamodules.cohort.store import Cohort

ALL = Contents()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=6)


@pytest.fixture(scope="module")
def runs(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three networks on a cohort of six with predictions, of which one lacks a fold."""
    folder = tmp_path_factory.mktemp("runs")
    cases = cases_on(cohort, cases_of(networks=("cross_fusion", "unet3d", "vnet")), folds=2)
    cases = cases.assign(structure=cases["label"].map(dict(enumerate(cohort.protocol.names))))
    write_runs(folder, cases, cohort.path)
    write_predictions(folder, cohort, list(cohort.subjects))
    write_grid(folder, [run.record for run in find_runs([folder])])
    (folder / "vnet/fold-1-seed-0/done.json").unlink()
    return folder


def tables_of(folders: Sequence[Path], output: Path) -> dict[str, bytes]:
    for evidence in gather(folders):
        write_tables(evidence, compute(evidence), divide(evidence, [], None), output / evidence.experiment)
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def entries(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_a_report_of_a_pack_has_the_tables_of_a_report_of_the_folder_byte_for_byte(runs: Path, tmp_path: Path):
    pack([runs], tmp_path / "all.zip", ALL)
    of_folder = tables_of([runs], tmp_path / "of-folder")
    with opened([tmp_path / "all.zip"]) as folders:
        of_pack = tables_of(folders, tmp_path / "of-pack")
    assert len(of_folder) > 40
    assert of_folder == of_pack
    assert b"vnet/fold-1-seed-0 (not finished)" in of_pack["test/tables/overall.md"]


def test_equal_contents_give_equal_bytes_whenever_and_wherever_they_are_packed(runs: Path, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "elsewhere/moved")
    for file in (tmp_path / "elsewhere/moved").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes())  # now
    one, other = (
        pack([place], tmp_path / name, ALL)
        for place, name in ((runs, "a.zip"), (tmp_path / "elsewhere/moved", "b.zip"))
    )
    assert one == other
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_nothing_heavy_and_no_path_or_covariate_is_in_a_pack(runs: Path, cohort: Cohort, tmp_path: Path):
    (runs / "vnet/fold-0-seed-0/checkpoints").mkdir(exist_ok=True)
    (runs / "vnet/fold-0-seed-0/checkpoints/best.ckpt").write_bytes(b"weights")
    (runs / "vnet/fold-0-seed-0/log.txt").write_text(f"reading {cohort.path}")
    pack([runs], tmp_path / "all.zip", ALL)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert not any("ckpt" in name or "log.txt" in name or "predictions" in name for name in contents)
    assert not any(str(cohort.path.parent).encode() in content for content in contents.values())
    assert not any(b"weight" in content for content in contents.values())  # the one covariate of these subjects


def test_what_is_asked_for_goes_along_and_pictures_need_the_cohort_alone(
    runs: Path, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(benchmark.report.write, "draw_all", sketch_all)
    asked = Contents(by="Lab A", only="unet3d/*", predictions=True, covariates=("weight",))
    packed = pack([runs], tmp_path / "mine.zip", asked)
    assert packed.runs == 2
    names = entries(tmp_path / "mine.zip")
    assert {f"test/unet3d/fold-{load_fold(cohort, 's0')}-seed-0/predictions/s0_dseg.nii.gz"} <= names
    assert {name.split("/")[1] for name in names if name.count("/") > 1} == {"unet3d"}
    with opened([tmp_path / "mine.zip"]) as folders:
        assert set(pd.read_csv(folders[0] / "test/covariates.csv")["weight"]) == {70}
        made = report(folders, tmp_path / "report", options=ReportOptions(cohort=cohort.path))
    (one,) = made.experiments
    assert one.remark == ""  # of the rows that were chosen none is missing
    assert one.browser


def load_fold(cohort: Cohort, subject: str) -> int:
    folds = load_splits(cohort, 2, 0).folds
    return next(number for number, fold in enumerate(folds) if subject in fold.test)


def test_a_pack_says_without_its_cohort_what_the_images_are(runs: Path, cohort: Cohort, tmp_path: Path):
    pack([runs], tmp_path / "all.zip", ALL)
    with opened([tmp_path / "all.zip"]) as folders:
        (evidence,) = gather(folders)
        packed = packed_images(evidence.places)
    assert packed == replace(images_of(cohort), modalities=["pet", "mr"])
    assert (packed.subjects, packed.voxels, packed.protocol) == (6, "1 mm", "coarse9")


def test_a_cohort_that_is_none_of_theirs_is_refused(runs: Path, tmp_path: Path):
    other = make_cohort(tmp_path / "other", subjects=4)
    with pytest.raises(ValueError, match=rf"is the cohort {other.fingerprint}; these runs are of \w+ \(test\)"):
        report([runs], tmp_path / "report", options=ReportOptions(cohort=other.path))


def test_the_certificate_of_folds_goes_along_and_its_hash_is_compared(runs: Path, cohort: Cohort, tmp_path: Path):
    pack([runs], tmp_path / "all.zip", ALL)
    with opened([tmp_path / "all.zip"]) as folders:
        (evidence,) = gather(folders)
        told = packed_folds(evidence.runs[0])
        assert f"Folds {load_splits(cohort, 2, 0).fingerprint}, seed 0" in told.statement
        assert told.parts["subjects"].sum() == 12
        certificate = folders[0] / "test/folds.json"
        certificate.write_text(json.dumps({**json.loads(certificate.read_text()), "seed": 9}))
        assert packed_folds(evidence.runs[0]).statement.startswith("Not verified: the pack brought the folds")


def test_unknown_covariates_and_patterns_without_a_run_are_refused(runs: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="Covariate age isn't known: the cohort has weight"):
        pack([runs], tmp_path / "x.zip", Contents(covariates=("age",)))
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        pack([tmp_path / "nowhere"], tmp_path / "x.zip", ALL)
    with pytest.raises(IsADirectoryError, match="is a folder; name the zip file to write"):
        pack([runs], tmp_path, ALL)
    with pytest.raises(ValueError, match=r"No run in .* matches 'x/\*'"):
        pack([runs], tmp_path / "x.zip", Contents(only="x/*"))
    assert not (tmp_path / "x.zip").exists()


def test_a_run_that_is_there_twice_is_not_packed(runs: Path, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "runs")
    shutil.copytree(runs / "unet3d/fold-0-seed-0", tmp_path / "runs/unet3d/copy")
    with pytest.raises(ValueError, match="test/unet3d/fold-0-seed-0: there is more than one"):
        pack([tmp_path / "runs"], tmp_path / "x.zip", ALL)


def test_an_altered_run_is_not_packed_as_its_seal_would_be_made_anew(runs: Path, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "runs")
    table = tmp_path / "runs/unet3d/fold-0-seed-0/cases.csv"
    table.write_text(table.read_text().replace("present", "missed", 1))
    with pytest.raises(
        ValueError, match=r"test/unet3d/fold-0-seed-0: can't be packed: its cases\.csv isn't what the run"
    ):
        pack([tmp_path / "runs"], tmp_path / "x.zip", ALL)
    assert pack([tmp_path / "runs"], tmp_path / "x.zip", Contents(only="vnet/*")).runs == 2


def test_tests_under_other_conditions_go_along_and_are_believed(runs: Path, cohort: Cohort, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "runs")
    for folder in (tmp_path / "runs").glob("*/fold-*"):
        write_condition(folder, "noise-0.2", pd.read_csv(folder / "cases.csv").assign(noise=0.2))
        marker = folder / "predictions-noise-0.2/done.json"
        marker.write_text(json.dumps({**json.loads(marker.read_text()), "data": {"cohort": str(cohort.path)}}))
    pack([tmp_path / "runs"], tmp_path / "x.zip", ALL)
    with opened([tmp_path / "x.zip"]) as folders:
        (evidence,) = gather(folders)
        assert set(evidence.cases["noise"].dropna()) == {0.2} and len(evidence.runs) == 5
        told = json.loads((folders[0] / "test/unet3d/fold-0-seed-0/predictions-noise-0.2/done.json").read_text())
    assert told["data"] == {"cohort": "cohort"}


def test_names_that_no_pack_may_hold_are_refused_before_it_is_written(runs: Path, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "runs")
    folder = tmp_path / "runs/unet3d/fold-0-seed-0"
    write_condition(folder, "cohort-my clinic", pd.read_csv(folder / "cases.csv"))
    with pytest.raises(ValueError, match=r"cases-cohort-my clinic\.csv.*: can't be packed under such a name"):
        pack([tmp_path / "runs"], tmp_path / "x.zip", ALL)


def test_paths_become_names_wherever_they_stand_in_a_configuration():
    config = {
        "data": {"cohort": "/home/ann/cohort", "patch_size": [1, 2]},
        "model": {"network": {"init_args": {"weights": "/home/ann/w.ckpt", "more": ["C:\\ann\\x.pt", "models.VNet"]}}},
        "trainer": {"default_root_dir": "/home/ann", "logger": [1], "callbacks": [2], "max_epochs": 3},
    }
    public = public_config(config, "abc")
    assert "ann" not in json.dumps(public)
    assert public["data"] == {"cohort": "abc", "patch_size": [1, 2]}
    assert public["model"]["network"]["init_args"] == {"weights": "w.ckpt", "more": ["x.pt", "models.VNet"]}
    assert public["trainer"] == {"max_epochs": 3}


def test_yaml_of_a_pack_has_no_aliases():
    shared = [1, 2]
    text = plain_yaml({"a": shared, "b": shared})
    assert "*" not in text and yaml.safe_load(text) == {"a": [1, 2], "b": [1, 2]}
