import json

import pytest
from builders.cohorts import COARSE, make_cohort, write_source

from datamodules.cohort.prepare import prepare
from datamodules.cohort.splits import Fold, certify, load_splits, make_splits, splits_path
from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import PARTS

GROUPS = {f"s{i}": f"g{i // 2}" for i in range(20)}


def test_every_subject_is_tested_once_and_no_group_stands_in_two_parts():
    splits = make_splits(GROUPS, 5, seed=0)
    assert sorted(subject for fold in splits.folds for subject in fold.test) == sorted(GROUPS)
    for fold in splits.folds:
        parts = [{GROUPS[subject] for subject in part} for part in (fold.train, fold.validation, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)) == 10


def test_the_seed_decides():
    assert make_splits(GROUPS, 5, 0) == make_splits(GROUPS, 5, 0)
    assert make_splits(GROUPS, 5, 0).fingerprint != make_splits(GROUPS, 5, 1).fingerprint


@pytest.mark.parametrize(
    ("groups", "folds", "match"),
    [(3, 4, "at most 3"), (3, 2, "single one"), (5, 1, "at least 2"), (2, 2, "test all"), (1, 2, "1 group can't")],
)
def test_too_few_groups_are_refused(groups, folds, match):
    with pytest.raises(ValueError, match=match):
        make_splits({f"s{i}": f"g{i}" for i in range(groups)}, folds, 0)


def test_splits_are_saved_in_the_cohort_and_reused(tmp_path):
    cohort = make_cohort(tmp_path)
    first = load_splits(cohort, 2, 0)
    path = splits_path(cohort.path, 2, 0)
    before = path.read_bytes()
    assert load_splits(cohort, 2, 0) == first
    assert path.read_bytes() == before


def test_an_edited_split_that_leaks_a_group_is_refused(tmp_path):
    manifest = write_source(tmp_path / "source", 3)
    manifest.write_text(manifest.read_text().replace(",g1,", ",g0,"))
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    path = splits_path(cohort.path, 2, 0)
    path.parent.mkdir()
    path.write_text("subject,group,fold-0,fold-1\ns0,g0,train,test\ns1,g0,test,train\ns2,g2,validation,validation\n")
    with pytest.raises(ValueError, match=r"fold 0 has group g0 .* in train and in test"):
        load_splits(cohort, 2, 0)


def test_a_subject_tested_twice_is_refused(tmp_path):
    cohort = make_cohort(tmp_path)
    path = certify(cohort, 2, 0).table
    path.write_text("subject,fold-0,fold-1\ns0,test,test\ns1,train,train\ns2,train,train\ns3,train,train\n")
    with pytest.raises(ValueError, match="s0 is tested in fold 0 and in fold 1"):
        load_splits(cohort, 2, 0)


def test_a_subject_in_two_parts_is_refused(tmp_path):
    cohort = make_cohort(tmp_path)
    path = certify(cohort, 2, 0).table
    path.write_text(path.read_text() + "s0,g0,train,train\ns0,g0,validation,validation\n")
    with pytest.raises(ValueError, match="fold 0 has s0 in two parts"):
        load_splits(cohort, 2, 0)


def test_a_forgotten_subject_and_an_unknown_part_are_refused(tmp_path):
    cohort = make_cohort(tmp_path)
    path = certify(cohort, 2, 0).table
    whole = path.read_text()
    path.write_text("".join(line for line in whole.splitlines(keepends=True) if not line.startswith("s1")))
    with pytest.raises(ValueError, match="says nothing of s1"):
        load_splits(cohort, 2, 0)
    path.write_text(whole.replace("validation", "dev"))
    with pytest.raises(ValueError, match="has the part 'dev'; expected train, validation, test"):
        load_splits(cohort, 2, 0)


def test_an_edit_must_be_certified_before_it_is_used(tmp_path):
    cohort = make_cohort(tmp_path, subjects=6)
    before = certify(cohort, 2, 0)
    moved = before.splits.folds[0].train[0]
    text = before.table.read_text().splitlines()
    rows = [line.replace("train", "validation", 1) if line.startswith(f"{moved},") else line for line in text]
    before.table.write_text("\n".join(rows) + "\n")
    with pytest.raises(ValueError, match="petmr split"):
        load_splits(cohort, 2, 0)
    after = certify(cohort, 2, 0).splits
    assert moved in after.folds[0].validation
    assert load_splits(cohort, 2, 0) == after
    assert after.fingerprint != before.splits.fingerprint


def test_the_certificate_lists_structures_that_a_part_lacks(tmp_path):
    cohort = make_cohort(tmp_path)
    contents = certify(cohort, 2, 0).contents
    assert [(content.fold, content.part) for content in contents[:3]] == [(0, "train"), (0, "validation"), (0, "test")]
    present = {"background", "Cortex", "White-Matter", "Thalamus"}
    assert {*contents[0].missing} == {*cohort.protocol.names} - present
    written = json.loads(splits_path(cohort.path, 2, 0).with_suffix(".json").read_text())
    assert written["contents"][0]["missing"] == list(contents[0].missing)


def test_a_source_brings_its_own_split(tmp_path):
    manifest = write_source(tmp_path / "source", 3)
    rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join(f"{row},{part}" for row, part in zip(rows, ("part", *PARTS), strict=True)))
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    assert certify(cohort, 1, 0, "own").splits.folds == (Fold(("s0",), ("s1",), ("s2",)),)
    assert load_splits(cohort, 1, 0).folds[0].test == ("s2",)


def test_a_source_without_a_split_of_its_own_says_so(tmp_path):
    with pytest.raises(ValueError, match="no split of its own for s0"):
        certify(make_cohort(tmp_path), 1, 0, "own")


def test_an_external_cohort_is_tested_only(tmp_path):
    cohort = make_cohort(tmp_path, subjects=2)
    (fold,) = certify(cohort, 1, 0, "test-only").splits.folds
    assert fold == Fold((), (), ("s0", "s1"))
    with pytest.raises(ValueError, match="--folds 1"):
        certify(cohort, 5, 1, "test-only")
