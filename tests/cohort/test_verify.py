import os
import time
from dataclasses import replace

import numpy as np
import pytest
from builders.cohorts import make_cohort

from datamodules.cohort.store import volume_file
from datamodules.cohort.verify import verify_volumes
from datamodules.files import sha256
from datamodules.hashes import HashMemory
from datamodules.petmr import PETMRDataModule


def flip(path):
    """One byte in the middle, at the same size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def settle(cohort):
    """Let the volumes have lain there for a while."""
    for path in cohort.path.glob("volumes/*"):
        os.utime(path, (1e9, 1e9))
    time.sleep(0.05)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("datamodules.hashes.SETTLED_NS", 0.02e9)


@pytest.mark.parametrize("remembered", [False, True])
def test_a_flipped_byte_stops_a_training_and_names_the_subject(tmp_path, remembered):
    cohort = make_cohort(tmp_path, subjects=4)
    if remembered:
        settle(cohort)
        verify_volumes(cohort)
    flip(cohort.path / volume_file("s2", "label"))
    with pytest.raises(ValueError, match=r"1 volumes aren't what was written: s2 \(volumes/s2_label.npy\)"):
        PETMRDataModule(str(cohort.path), folds=2).prepare_data()


def test_a_byte_changed_in_place_is_noticed_though_size_time_and_inode_are_as_before(tmp_path):
    cohort = make_cohort(tmp_path, subjects=4)
    settle(cohort)
    verify_volumes(cohort)
    path = cohort.path / volume_file("s2", "label")
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\7")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    with pytest.raises(ValueError, match="s2"):
        verify_volumes(cohort)


def test_a_file_that_was_changed_a_moment_ago_is_not_remembered_yet(tmp_path, monkeypatch):
    monkeypatch.setattr("datamodules.hashes.SETTLED_NS", 60e9)
    cohort = make_cohort(tmp_path, subjects=2)
    verify_volumes(cohort)
    assert not HashMemory(cohort.path).known


def test_a_damaged_memory_accuses_no_file(tmp_path):
    cohort = make_cohort(tmp_path, subjects=2)
    settle(cohort)
    verify_volumes(cohort)
    memory = HashMemory(cohort.path)
    assert memory.known
    for entry in memory.known.values():
        entry[-1] = entry[-1][::-1]
    memory.changed = True
    memory.save()
    verify_volumes(cohort)
    memory.place.write_text("[1, 2]")
    verify_volumes(cohort)


def test_a_store_is_read_once_on_a_machine(tmp_path, monkeypatch):
    cohort = make_cohort(tmp_path, subjects=4)
    settle(cohort)
    verify_volumes(cohort)

    def read(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("datamodules.hashes.sha256", read)
    verify_volumes(cohort)


def test_a_cache_that_cannot_be_written_or_read_only_costs_time(tmp_path, monkeypatch):
    cohort = make_cohort(tmp_path, subjects=4)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    verify_volumes(cohort)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "damaged"))
    memory = HashMemory(cohort.path)
    memory.place.parent.mkdir(parents=True)
    memory.place.write_text("{")
    verify_volumes(cohort)


def test_a_class_that_the_protocol_does_not_have_is_told_with_subject_and_file_every_time(tmp_path):
    cohort = make_cohort(tmp_path, subjects=4)
    label, name = np.array(cohort.label("s2")), volume_file("s2", "label")
    label[0, 0, 0] = 200
    np.save(cohort.path / name, label)
    volumes = {**cohort.subjects["s2"].volumes}
    volumes["label"] = replace(volumes["label"], sha256=sha256(cohort.path / name))
    forged = replace(cohort, subjects={**cohort.subjects, "s2": replace(cohort.subjects["s2"], volumes=volumes)})
    settle(cohort)
    told = rf"s2 \(volumes/s2_label.npy holds class 200 of {cohort.protocol.num_classes}\)"
    for _ in range(2):
        with pytest.raises(ValueError, match=told):
            verify_volumes(forged)
