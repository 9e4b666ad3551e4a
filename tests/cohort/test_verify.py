import pytest
from builders.cohorts import make_cohort

from datamodules.cohort.store import volume_file
from datamodules.cohort.verify import verify_volumes
from datamodules.hashes import HashMemory
from datamodules.petmr import PETMRDataModule


def flip(path):
    """One byte in the middle, at the same size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("remembered", [False, True])
def test_a_flipped_byte_stops_a_training_and_names_the_subject(tmp_path, remembered):
    cohort = make_cohort(tmp_path, subjects=4)
    if remembered:
        verify_volumes(cohort)
    flip(cohort.path / volume_file("s2", "label"))
    with pytest.raises(ValueError, match=r"1 volumes aren't what was written: s2 \(volumes/s2_label.npy\)"):
        PETMRDataModule(str(cohort.path), folds=2).prepare_data()


def test_a_store_is_read_once_on_a_machine(tmp_path, monkeypatch):
    cohort = make_cohort(tmp_path, subjects=4)
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
