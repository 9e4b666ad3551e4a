import gzip
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.cohorts import COARSE, brain, make_cohort, save, strangers, write_source
from builders.tiny_experiment import begin, petmr, retest, tiny, work_on

from benchmark.__main__ import main
from benchmark.experiment.conditions import Conditions, check_elsewhere, elsewhere, misaligned, noisy, without
from benchmark.experiment.retest import Retest
from benchmark.experiment.workflow import evaluate
from benchmark.scoring.case_table import read_cases
from benchmark.statistics import tables
from datamodules.cohort.prepare import prepare
from datamodules.cohort.splits import load_splits
from datamodules.cohort.store import open_cohort
from datamodules.sources.find import find_subjects


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


@pytest.fixture(scope="module")
def folder(cohort, tmp_path_factory):
    begun = begin(tmp_path_factory.mktemp("runs"), tiny(), cohort)
    work_on(begun)
    return begun


def test_a_condition_adds_a_table_of_cases_with_its_own_column(folder, tmp_path):
    retest(folder, noisy("high"))
    retest(folder, without("pet"))
    clean, loud, blind = (pd.read_csv(folder.path / f"cases{name}.csv") for name in ("", "-noise-0.2", "-missing-pet"))
    assert [*clean.columns, "noise"] == list(loud.columns)
    assert set(loud["noise"]) == {0.2}
    assert set(blind["missing"]) == {"pet"}
    assert sorted(set(loud["subject"])) == sorted(set(clean["subject"]))
    assert not loud["dice"].equals(clean["dice"])
    assert not blind["dice"].equals(clean["dice"])
    assert len(list((folder.path / "predictions-noise-0.2").glob("*.nii.gz"))) == clean["subject"].nunique()


def test_an_evaluation_tells_its_progress_and_nothing_else(folder):
    told = petmr("evaluate", folder.path, "--noise", "0.3")
    assert told.returncode == 0
    assert all(line.startswith("noise-0.3: ") for line in told.stderr.splitlines()[:-1])
    assert told.stderr.endswith("noise-0.3 1/1: tiny/fold-0-seed-0 under noise-0.3 done\n")


def test_a_modality_that_the_cohort_lacks_is_refused_before_a_process_starts(folder):
    place = Retest.of(folder, without("flair"))
    with pytest.raises(ValueError, match=r"^missing-flair: the cohort has pet, mr, no flair\.$"):
        place.ask(without("flair"))
    assert not place.path.exists()


def test_no_noise_is_no_condition_and_a_modality_must_be_there():
    for level in ("none", 0.0):
        with pytest.raises(ValueError, match="is no noise"):
            noisy(level)
    with pytest.raises(ValueError, match="Modality ct can't be missing: the cohort has pet, mr"):
        Conditions(missing=["ct"]).all(["pet", "mr"])


def test_one_condition_has_one_name_however_it_is_asked_for():
    assert noisy("low") == noisy(0.05)
    assert noisy("low").name == "noise-0.05"
    asked_twice = Conditions(noise=["low", 0.05], missing=["pet", "pet"]).all(["pet", "mr"])
    assert [condition.name for condition in asked_twice] == ["noise-0.05", "missing-pet"]


def test_a_misaligned_pet_is_a_condition_of_networks_that_see_something_beside_it(folder):
    retest(folder, misaligned("3mm,2deg"))
    clean, moved = (pd.read_csv(folder.path / f"cases{name}.csv") for name in ("", "-misaligned-3mm-2deg"))
    assert set(moved["misaligned_mm"]) == {3} and set(moved["misaligned_degrees"]) == {2}
    assert not moved["dice"].equals(clean["dice"])
    assert misaligned("1mm").applies_to({"data": {}})
    assert not misaligned("1mm").applies_to({"data": {"modalities": ["pet"]}})
    assert not misaligned("1mm").applies_to({"data": {"modalities": ["mr", "flair"]}})
    with pytest.raises(ValueError, match="Nothing lies beside a PET here: the cohort has pet"):
        Conditions(misaligned=["1mm"]).all(["pet"])
    with pytest.raises(ValueError, match="is none: that is the test that every run ends with"):
        misaligned("0mm")


def test_a_network_that_would_see_nothing_is_not_concerned():
    blind = without("pet")
    assert blind.applies_to({"data": {}}) and blind.applies_to({"data": {"modalities": ["pet", "mr"]}})
    assert not blind.applies_to({"data": {"modalities": ["pet"]}})


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """Three other people, of other groups."""
    folder = tmp_path_factory.mktemp("clinic")
    return prepare(find_subjects(strangers(folder / "source")), folder / "cohort", COARSE)


def refused(folder, condition, match):
    """The condition leaves nothing behind."""
    with pytest.raises(ValueError, match=match):
        retest(folder, condition)
    assert not (folder.path / f"predictions-{condition.name}").exists()
    assert not (folder.path / f"cases-{condition.name}.csv").exists()


def test_a_copy_of_the_training_subjects_prepared_again_is_refused_by_name(cohort, folder, tmp_path):
    copy = make_cohort(tmp_path, subjects=4)
    learned = [name for part in ("train", "validation") for name in getattr(load_splits(cohort, 2, 0).folds[0], part)]
    text = rf"cohort: {len(learned)} of 4 subjects are among those that the network has learned from: s\d \(an image"
    refused(folder, elsewhere(copy.path, "copy"), text)


def test_a_copy_is_known_again_under_other_names_groups_and_bytes(folder, tmp_path):
    manifest = write_source(tmp_path / "source", 4)
    for index in range(4):
        manifest.write_text(
            manifest.read_text().replace(f"s{index},", f"p{index},").replace(f"g{index},", f"h{index},")
        )
        for path in (tmp_path / f"source/s{index}").glob("*.nii.gz"):
            path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1))
    copy = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    refused(folder, elsewhere(copy.path, "renamed"), r"p\d \(an image of s\d\)")


def test_new_scans_of_the_training_people_are_refused_unless_they_are_strangers(cohort, folder, tmp_path):
    learned = load_splits(cohort, 2, 0).folds[0].train[0]
    group = cohort.subjects[learned].group
    manifest = strangers(tmp_path / "source", (group, "y", "z"))
    other = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    refused(folder, elsewhere(other.path, "again"), rf"1 of 3 .*: s0 \(group {group}\)\..*--strangers")
    retest(folder, elsewhere(other.path, "again", strangers=True))
    assert (folder.path / "cases-cohort-again.csv").is_file()


def test_a_cohort_of_other_voxels_is_refused_with_the_command_that_prepares_it(folder, tmp_path):
    manifest = strangers(tmp_path / "my source")
    pet = brain(50)[0]
    save(tmp_path / "my source/s0/pet.nii.gz", np.stack([pet, pet], -1))
    (tmp_path / "my source/s0/pet.json").write_text('{"FrameDuration": [60, 60]}')
    reading = ["--exclude", "s1", "s2", "--frames", "0:2", "--nan", "zero"]
    main(["prepare", str(manifest), str(tmp_path / "other"), *reading, "--protocol", "coarse9", "--spacing", "2"])
    text = (
        f"{tmp_path}/other: isn't what the network was trained on: spacing 1 against 2; pet scaled 0:137919 against "
        "p0.5:p99.5; mr scaled 0:255 against p0.5:p99.5. Prepare it alike: "
    )
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        retest(folder, elsewhere(tmp_path / "other"))
    words = shlex.split(str(caught.value).partition("Prepare it alike: ")[2])
    assert words[:3] == ["petmr", "prepare", str(manifest)]
    main(words[1:])
    retest(folder, elsewhere(Path(words[3]), "alike"))
    assert open_cohort(Path(words[3])).settings["frames"] == "0:2"


def test_what_could_not_be_tested_is_refused_before_days_of_training(cohort, clinic, tmp_path):
    check_elsewhere(elsewhere(clinic.path), cohort)
    check_elsewhere(noisy("high"), cohort)
    copy = make_cohort(tmp_path / "copy", subjects=4)
    with pytest.raises(ValueError, match="4 of 4 subjects are among those"):
        check_elsewhere(elsewhere(copy.path), cohort)
    coarse = replace(COARSE, spacing=(2.0, 2.0, 2.0))
    other = prepare(find_subjects(strangers(tmp_path / "source")), tmp_path / "other", coarse)
    with pytest.raises(ValueError, match=r"other: isn't prepared as .* is: spacing 1 against 2\.$"):
        check_elsewhere(elsewhere(other.path), cohort)
    with pytest.raises(ValueError, match="There is no cohort town of strangers: there are clinic"):
        Conditions(cohorts={"clinic": str(clinic.path)}, strangers=["town"]).all(cohort.modalities)


def test_another_cohort_is_tested_whole(folder, clinic):
    other = clinic
    retest(folder, elsewhere(other.path, "clinic"))
    cases = pd.read_csv(folder.path / "cases-cohort-clinic.csv")
    assert set(cases["subject"]) == set(other.subjects)
    assert set(cases["test_cohort"]) == {"clinic"}
    assert set(cases["cohort"]) == {folder.read_record().cohort}


def test_nothing_is_done_twice(folder):
    retest(folder, noisy(0.05))
    file = folder.path / "cases-noise-0.05.csv"
    before = file.stat().st_mtime_ns
    retest(folder, noisy(0.05))
    assert file.stat().st_mtime_ns == before


def test_the_tables_keep_conditions_apart(folder):
    retest(folder, noisy("high"))
    retest(folder, without("pet"))
    cases = read_cases([folder.cases, folder.path / "cases-noise-0.2.csv", folder.path / "cases-missing-pet.csv"])
    retest(folder, misaligned("3mm"))
    cases = pd.concat([cases, read_cases([folder.path / "cases-misaligned-3mm.csv"])], ignore_index=True)
    own = read_cases([folder.cases])
    pd.testing.assert_frame_equal(tables.overall(cases), tables.overall(own))
    assert set(tables.by_noise(cases)["noise"]) == {0.0, 0.2}
    assert set(tables.by_missing(cases)["missing"]) == {"pet"}
    assert set(tables.by_misalignment(cases)["misaligned"]) == {"none", "3mm"}
    assert tables.by_missing(own).empty and tables.by_misalignment(own).empty


def test_a_condition_that_makes_no_difference_to_any_run_is_refused(cohort, tmp_path):
    run = begin(tmp_path, tiny(data={"modalities": ["mr"]}), cohort)
    run.cases.touch()
    run.done.write_text("{}")
    with pytest.raises(ValueError, match=r"No run that matches .* is done and concerned by noise-0.2"):
        evaluate([tmp_path], noisy("high"))


def test_exactly_one_condition_is_asked_for(folder):
    result = petmr("evaluate", folder.path, "--noise", "high", "--missing", "pet")
    assert result.returncode == 1
    assert "give one of --missing, --noise, --misaligned, --cohort, not 2" in result.stderr
