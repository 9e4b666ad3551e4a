import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from builders.hostile.limits import largest_file

from datamodules.files import DiskFullError, atomic_path, locked, read_json, write_csv, write_json, write_text
from datamodules.volumes.grid import Grid
from datamodules.volumes.write import write_labels

WRITERS: dict[str, Callable[[Path], None]] = {
    "text.txt": lambda path: write_text(path, "word " * 10000),
    "object.json": lambda path: write_json(path, list(range(10000))),
    "table.csv": lambda path: write_csv(path, pd.DataFrame({"number": range(10000)})),
    "labels.nii.gz": lambda path: write_noise(path),
}


def write_noise(path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 100, (32, 32, 32))
    with atomic_path(path) as temporary:
        write_labels(temporary, labels, Grid.of(labels.shape, np.eye(4)))


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_told_with_the_path_and_leaves_what_was_there(tmp_path, name):
    path = tmp_path / name
    path.write_text("before")
    with largest_file(4096), pytest.raises(DiskFullError) as refusal:
        WRITERS[name](path)
    assert str(refusal.value) == f"disk full: {path}: there is no room for it. Make some, and give the command again."
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_whose_name_goes_as_it_is_looked_for_is_taken_anew(tmp_path, monkeypatch):
    stat, names = os.fstat, []

    def remove_name_then_stat(number: int) -> os.stat_result:
        if not names:  # who held it before removes it now, after the wait for it and before a look at the name
            names.extend(tmp_path.iterdir())
            names[0].unlink()
        return stat(number)

    monkeypatch.setattr("os.fstat", remove_name_then_stat)
    with locked(tmp_path / "table.csv"):
        assert list(tmp_path.iterdir()) == names
    assert not any(tmp_path.iterdir())


def test_labels_can_be_read_back(tmp_path):
    write_noise(tmp_path / "labels.nii.gz")
    assert nib.load(tmp_path / "labels.nii.gz").shape == (32, 32, 32)


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "[" * 100000, "\x00"])
def test_a_json_file_that_holds_no_object_is_named(tmp_path, text):
    path = tmp_path / "done.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"done\.json: is damaged: it"):
        read_json(path)
