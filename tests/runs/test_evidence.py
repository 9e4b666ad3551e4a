import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.cases import cases_of
from builders.runs import seal_again, write_runs

from benchmark.runs.evidence import Evidence, find_runs, gather, write_grid


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return write_runs(tmp_path / "runs", cases_of(subjects=4, folds=2))


def only(folder: Path) -> Evidence:
    (evidence,) = gather([folder])
    return evidence


def reasons(folder: Path) -> dict[str, str]:
    return {gap.run: gap.reason for gap in only(folder).gaps}


def save_grid(folder: Path) -> None:
    write_grid(folder, [run.record for run in find_runs([folder])])


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_complete_runs_are_all_counted_and_nothing_is_remarked(runs: Path):
    evidence = only(runs)
    assert (len(evidence.runs), evidence.gaps, evidence.remark, evidence.incomplete) == (4, (), "", {})
    assert len(evidence.cases) == len(cases_of(subjects=4))


def test_a_missing_fold_is_named_and_its_variant_incomplete(runs: Path):
    shutil.rmtree(runs / "unet3d/fold-1-seed-0")
    evidence = only(runs)
    assert reasons(runs) == {"unet3d/fold-1-seed-0": "missing"}
    assert evidence.incomplete == {"unet3d": "1 of 2 runs"}
    assert "1 of 4 runs are not counted: unet3d/fold-1-seed-0 (missing)" in evidence.remark


def test_a_fold_that_no_variant_has_is_known_from_the_configuration(runs: Path):
    for network in ("unet3d", "cross_fusion"):
        shutil.rmtree(runs / network / "fold-1-seed-0")
    assert len(reasons(runs)) == 2


def test_a_variant_of_which_nothing_was_begun_is_known_from_the_grid(runs: Path):
    save_grid(runs)
    shutil.rmtree(runs / "unet3d")
    assert set(reasons(runs)) == {"unet3d/fold-0-seed-0", "unet3d/fold-1-seed-0"}


def test_scores_without_a_completion_marker_do_not_count(runs: Path):
    (runs / "unet3d/fold-0-seed-0/done.json").unlink()
    assert reasons(runs) == {"unet3d/fold-0-seed-0": "not finished"}
    assert len(only(runs).cases.query("variant == 'unet3d' and fold == 0")) == 0


@pytest.mark.parametrize("key", ["identity", "cohort", "splits"])
def test_a_run_of_another_configuration_cohort_or_folds_is_stale(runs: Path, key: str):
    save_grid(runs)
    change(runs / "unet3d/fold-0-seed-0/run.json", **{key: "old"})
    seal_again(runs / "unet3d/fold-0-seed-0")
    assert reasons(runs)["unet3d/fold-0-seed-0"].startswith(f"stale: {key} old, expected")


def test_cases_that_are_not_of_their_run_are_stale(runs: Path):
    file = runs / "unet3d/fold-0-seed-0/cases.csv"
    pd.read_csv(file).assign(splits="old").to_csv(file, index=False)
    seal_again(file.parent)
    assert reasons(runs) == {"unet3d/fold-0-seed-0": "stale: its cases.csv is of another splits"}


def test_a_run_in_two_folders_counts_in_neither(runs: Path):
    shutil.copytree(runs / "unet3d/fold-0-seed-0", runs / "unet3d/copy")
    assert reasons(runs)["unet3d/fold-0-seed-0"].startswith("duplicated: ")


def test_a_folder_given_twice_is_no_duplicate(runs: Path):
    (evidence,) = gather([runs, runs / "unet3d"])
    assert evidence.gaps == ()


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("subject != 's002'", "its cases.csv lacks s002 (Structure-00, Structure-01, Structure-02)"),
        ("subject != 's002' or structure != 'Structure-01'", "its cases.csv lacks s002 (Structure-01)"),
    ],
)
def test_a_run_that_lacks_a_subject_or_structure_of_its_fold_does_not_count(runs: Path, rows: str, reason: str):
    file = runs / "unet3d/fold-0-seed-0/cases.csv"
    pd.read_csv(file).query(rows).to_csv(file, index=False)
    seal_again(file.parent)
    assert reasons(runs) == {"unet3d/fold-0-seed-0": reason}


def test_a_row_that_stands_twice_is_named(runs: Path):
    file = runs / "unet3d/fold-0-seed-0/cases.csv"
    cases = pd.read_csv(file)
    pd.concat([cases, cases.tail(1)]).to_csv(file, index=False)
    seal_again(file.parent)
    assert reasons(runs) == {"unet3d/fold-0-seed-0": "its cases.csv has twice s002 (Structure-02)"}


def test_a_score_edited_after_the_run_is_noticed_though_no_identity_holds_it(runs: Path):
    file = runs / "unet3d/fold-0-seed-0/cases.csv"
    cases = pd.read_csv(file)
    cases.assign(hausdorff_mm=cases["hausdorff_mm"] / 2).to_csv(file, index=False)
    assert reasons(runs) == {"unet3d/fold-0-seed-0": "altered: its cases.csv isn't what the run wrote"}


def test_a_checkpoint_that_another_training_wrote_makes_the_run_stale(runs: Path):
    (runs / "unet3d/fold-0-seed-0/checkpoints/best.ckpt").write_bytes(b"other weights")
    assert reasons(runs) == {"unet3d/fold-0-seed-0": "altered: its checkpoints/best.ckpt isn't what the run wrote"}


def test_redrawn_folds_of_stale_runs_say_nothing_about_the_others(runs: Path):
    stale = runs / "unet3d/fold-0-seed-0"
    save_grid(runs)
    cases = pd.read_csv(stale / "cases.csv")
    strangers = cases.assign(subject=cases["subject"].str.replace("s", "redrawn-"))
    pd.concat([cases, strangers]).to_csv(stale / "cases.csv", index=False)
    change(stale / "run.json", splits="redrawn")
    seal_again(stale)
    assert set(reasons(runs)) == {"unet3d/fold-0-seed-0"}


def test_names_that_look_like_numbers_or_nothing_stay_names(tmp_path: Path):
    odd = {"s000": "001", "s001": "NA", "s002": "3.0", "s003": "1e5"}
    cases = cases_of(subjects=4, networks=("null", "unet3d"), folds=2)
    cases = cases.assign(subject=cases["subject"].map(odd), identity="007", cohort="1e3", splits="nan")
    evidence = only(write_runs(tmp_path / "runs", cases))
    assert evidence.gaps == ()
    assert set(evidence.cases["subject"]) == set(odd.values())
    assert set(evidence.cases["variant"]) == {"null", "unet3d"}


def test_runs_on_two_cohorts_are_refused_where_no_grid_tells_which_is_current(runs: Path):
    change(runs / "unet3d/fold-0-seed-0/run.json", cohort="other")
    with pytest.raises(ValueError, match="have different cohort"):
        gather([runs])


def test_experiments_are_kept_apart(runs: Path, tmp_path: Path):
    write_runs(tmp_path / "more", cases_of(subjects=4, folds=2).assign(experiment="fusion"))
    assert [evidence.experiment for evidence in gather([tmp_path])] == ["fusion", "test"]


def test_nothing_complete_is_an_error_that_says_what_is_there(runs: Path):
    for marker in runs.glob("*/*/done.json"):
        marker.unlink()
    with pytest.raises(FileNotFoundError, match=r"no run is complete.*not finished"):
        gather([runs])
