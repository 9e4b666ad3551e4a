import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from builders.cohorts import make_cohort, save
from builders.tiny_experiment import tiny, write_experiment
from scipy import ndimage

from benchmark.__main__ import main
from benchmark.experiment.conditions import without
from benchmark.experiment.definition import Experiment
from benchmark.experiment.evaluate import concerned
from benchmark.experiment.plan import plan, splits_of
from benchmark.experiment.run import execute
from benchmark.report.facts import read_costs, read_facts
from benchmark.report.how_trained import provenance
from benchmark.report.numbers import compute
from benchmark.report.sheets.scores import main_sheets
from benchmark.runs.evidence import gather
from benchmark.runs.folder import RunFolder
from benchmark.sharing.adopt import Adoption, adopt
from benchmark.sharing.nnunet import export_nnunet
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import opened
from datamodules.cohort.splits import Fold, load_splits
from datamodules.cohort.store import Cohort, open_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=5)


@pytest.fixture(scope="module")
def fold(cohort: Cohort) -> Fold:
    return load_splits(cohort, 2, 0).folds[0]


EXPERIMENT = tiny()


def foreign(cohort: Cohort, fold: Fold, folder: Path, ending: str = "_dseg.nii.gz") -> Path:
    """Label maps as another tool may make them: FreeSurfer labels, axes turned, float32, a voxel smoothed away."""
    for subject in fold.test:
        labels, grid = cohort.truth(subject)
        smooth = ndimage.grey_opening(labels, 2).astype(np.float32)
        turned = nib.as_closest_canonical(nib.Nifti1Image(smooth, grid.matrix))
        save(folder / f"{subject}{ending}", np.asarray(turned.dataobj), turned.affine)
    return folder


def taken(cohort: Cohort, predictions: Path, output: Path, experiment: Experiment = EXPERIMENT, **settings: object):
    return adopt(experiment, cohort, predictions, output, Adoption(**{"name": "tool", "fold": 0, **settings}))


def test_label_maps_of_another_tool_become_a_scored_run(cohort: Cohort, fold: Fold, tmp_path: Path):
    run = taken(cohort, foreign(cohort, fold, tmp_path / "maps"), tmp_path / "runs", tool="SciPy")
    assert run.state() == "done"
    cases = pd.read_csv(run.cases)
    assert set(cases["subject"]) == set(fold.test)
    assert set(cases["cohort"]) == {cohort.fingerprint} and set(cases["variant"]) == {"tool"}
    found = cases.set_index(["subject", "structure"])["dice"]
    assert 0.5 < found.loc[:, "Cortex"].mean() < 1
    written = nib.load(run.predictions / f"{fold.test[0]}_dseg.nii.gz")
    np.testing.assert_allclose(written.affine, cohort.subjects[fold.test[0]].grid.matrix)


def test_exported_indices_come_home_from_the_grid_that_they_were_exported_on(
    cohort: Cohort, fold: Fold, tmp_path: Path
):
    raw = export_nnunet(cohort, load_splits(cohort, 2, 0), tmp_path / "out")
    (tmp_path / "maps").mkdir()
    for subject in fold.test:
        shutil.copy(raw / f"labelsTr/{subject}.nii.gz", tmp_path / "maps")
    run = taken(cohort, tmp_path / "maps", tmp_path / "runs", indices=True)
    assert (pd.read_csv(run.cases).query("status != 'absent'")["dice"] == 1).all()


def test_an_adopted_row_stands_beside_the_trained_ones_and_says_that_it_is_adopted(
    cohort: Cohort, fold: Fold, tmp_path: Path
):
    runs = trained(cohort, tmp_path / "runs")
    for number in (0, 1):
        own = load_splits(cohort, 2, 0).folds[number]
        taken(cohort, foreign(cohort, own, tmp_path / f"maps-{number}"), runs, fold=number, tool="SciPy 1")
    (evidence,) = gather([runs])
    assert dict(evidence.networks) == {"tiny": "builders.tiny_experiment.TinyNet", "tool": "adopted"}
    assert evidence.incomplete == {}
    (overall, *_) = main_sheets(evidence, compute(evidence))
    assert set(overall.rows) == {"tiny", "tool"}
    assert "tool: label maps made elsewhere (SciPy 1), adopted." in overall.note
    facts = read_facts(evidence, cohort)
    assert facts.settings["tool"] == "adopted(tool=SciPy 1)"
    assert "learning_rate" in facts.config  # what the trained runs share
    assert facts.runs.set_index("run")["state"]["tool/fold-0-seed-0"] == "adopted"
    assert list(read_costs(evidence)["variant"]) == ["tiny"]
    assert [run.path.parent.name for run in concerned([runs], without("pet"))] == ["tiny", "tiny"]


def test_an_adopted_row_is_packed_as_one(cohort: Cohort, fold: Fold, tmp_path: Path):
    runs = trained(cohort, tmp_path / "runs")
    taken(cohort, foreign(cohort, fold, tmp_path / "maps"), runs)
    pack([runs], tmp_path / "x.zip", Contents())
    (here,) = gather([runs])
    with opened([tmp_path / "x.zip"]) as folders:
        (there,) = gather(folders)
        assert (
            provenance(there, {"tool": "Tool"})
            == provenance(here, {"tool": "Tool"})
            == "Tool: label maps made elsewhere, adopted."
        )
        assert (there.remark, list(there.networks)) == (here.remark, list(here.networks))
        pd.testing.assert_frame_equal(there.cases, here.cases)


def trained(cohort: Cohort, folder: Path) -> Path:
    """Both runs of the experiment's one network."""
    splits = splits_of(EXPERIMENT, cohort)
    for run, place in plan(EXPERIMENT, cohort, splits, folder):
        place.begin(run, cohort, splits, "disabled")
        execute(place)
    return folder


def test_folds_that_were_not_adopted_leave_the_row_incomplete(cohort: Cohort, fold: Fold, tmp_path: Path):
    runs = tmp_path / "runs"
    taken(cohort, foreign(cohort, fold, tmp_path / "maps"), runs)
    (evidence,) = gather([runs])
    assert evidence.incomplete == {"tiny": "0 of 2 runs", "tool": "1 of 2 runs"}


def test_a_subject_that_is_not_of_the_folds_test_part_or_missing_or_double_is_named(
    cohort: Cohort, fold: Fold, tmp_path: Path
):
    maps = foreign(cohort, fold, tmp_path / "maps")
    (maps / f"{fold.test[0]}_dseg.nii.gz").rename(maps / f"{fold.train[0]}_dseg.nii.gz")
    shutil.copy(maps / f"{fold.test[1]}_dseg.nii.gz", maps / f"{fold.test[1]}.nii.gz")
    shutil.copy(maps / f"{fold.test[1]}_dseg.nii.gz", maps / "stranger.nii.gz")
    with pytest.raises(ValueError) as refusal:
        taken(cohort, maps, tmp_path / "runs")
    told = str(refusal.value)
    assert f"{fold.train[0]}: " in told and "is in its train part" in told
    assert f"Has no label map of {fold.test[0]}" in told
    assert "Has 2 label maps" in told and "isn't in the cohort" in told
    assert not (tmp_path / "runs").exists()


def test_a_map_on_another_grid_is_refused_before_anything_is_written(cohort: Cohort, fold: Fold, tmp_path: Path):
    maps = foreign(cohort, fold, tmp_path / "maps")
    path = maps / f"{fold.test[-1]}_dseg.nii.gz"
    image = nib.load(path)
    affine = image.affine.copy()
    affine[0, 3] += 0.5
    save(path, np.asanyarray(image.dataobj), affine)
    with pytest.raises(ValueError, match=rf"{path.name}: lies on another grid .* than the label map of"):
        taken(cohort, maps, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_unknown_labels_are_refused_or_become_background_as_asked(cohort: Cohort, fold: Fold, tmp_path: Path):
    maps = foreign(cohort, fold, tmp_path / "maps")
    path = maps / f"{fold.test[0]}_dseg.nii.gz"
    image = nib.load(path)
    save(path, np.where(np.asanyarray(image.dataobj) == 10, 30000, image.dataobj), image.affine)
    with pytest.raises(ValueError, match=rf"{path.name}: The label map holds 1 ids .*say --indices"):
        taken(cohort, maps, tmp_path / "runs")
    cases = pd.read_csv(taken(cohort, maps, tmp_path / "runs", unknown_to_background=True).cases)
    row = cases[(cases["subject"] == fold.test[0]) & (cases["structure"] == "Thalamus")]
    assert row["status"].tolist() == ["missed"]


def test_the_same_maps_again_change_nothing_and_others_are_refused(cohort: Cohort, fold: Fold, tmp_path: Path):
    maps = foreign(cohort, fold, tmp_path / "maps")
    run = taken(cohort, maps, tmp_path / "runs")
    before = run.done.stat().st_mtime_ns
    assert taken(cohort, maps, tmp_path / "runs").done.stat().st_mtime_ns == before
    labels, grid = cohort.truth(fold.test[0])
    save(maps / f"{fold.test[0]}_dseg.nii.gz", labels, grid.matrix)
    with pytest.raises(ValueError, match=rf"was begun with something else .*adopted.sha256.{fold.test[0]}: "):
        taken(cohort, maps, tmp_path / "runs")


def test_an_adoption_that_was_killed_is_no_result_and_the_same_command_goes_on(
    cohort: Cohort, fold: Fold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    maps = foreign(cohort, fold, tmp_path / "maps")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("benchmark.sharing.adopt.score_subject", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        taken(cohort, maps, tmp_path / "runs")
    run = RunFolder(tmp_path / "runs/tool/fold-0-seed-0")
    assert run.state() == "interrupted"
    assert taken(cohort, maps, tmp_path / "runs").is_done()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"name": "tiny"}, "'tiny' can't name an adopted row"),
        ({"name": "report"}, "can't name an adopted row"),
        ({"name": "../x"}, "can't name an adopted row"),
        ({"fold": 2}, "no fold 2: the folds of 'tiny' are 0 to 1"),
        ({"fold": -1}, "no fold -1"),
    ],
)
def test_names_and_folds_that_cannot_be_are_refused(cohort: Cohort, tmp_path: Path, settings: dict, match: str):
    with pytest.raises(ValueError, match=match):
        taken(cohort, tmp_path, tmp_path / "runs", **settings)


def test_a_folder_that_is_not_there_is_named(cohort: Cohort, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        taken(cohort, tmp_path / "nowhere", tmp_path / "runs")


def test_subjects_whose_names_look_like_decorations_are_found(tmp_path: Path):
    one = make_cohort(tmp_path / "data", subjects=4)
    entry = (one.path / "cohort.json").read_text()
    for path in list((one.path / "volumes").iterdir()):
        path.rename(path.with_name(path.name.replace("s1_", "s1_run-1_", 1)))
    (one.path / "cohort.json").write_text(entry.replace('"s1"', '"s1_run-1"'))
    cohort = open_cohort(one.path)
    splits = load_splits(cohort, 2, 0)
    number = next(number for number, fold in enumerate(splits.folds) if "s1_run-1" in fold.test)
    maps = foreign(cohort, splits.folds[number], tmp_path / "maps", ending=".nii.gz")
    assert taken(cohort, maps, tmp_path / "runs", fold=number).is_done()


def test_the_verb_adopts_and_says_what_comes_next(
    cohort: Cohort, fold: Fold, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    maps, file = foreign(cohort, fold, tmp_path / "maps"), write_experiment(tmp_path / "e.yaml", EXPERIMENT)
    words = ["adopt", str(file), "--name", "tool", "--fold", "0", str(maps), "--cohort", str(cohort.path)]
    main([*words, "--output", str(tmp_path / "my runs")])
    assert f"Adopted as tool/fold-0-seed-0. Next: petmr report '{tmp_path}/my runs'" in capsys.readouterr().out
    assert (tmp_path / "my runs/tool/fold-0-seed-0/done.json").is_file()
