"""Checkpoints whose entries are changed, gone or elsewhere: a network, or one sentence that names the file."""

import copy
from pathlib import Path

import pytest
import torch
from builders.cohorts import make_cohort
from builders.hostile.forged import give_hash
from builders.hostile.fuzz import LONG, changed, corpus, damaged, fuzz, kept, told
from builders.trained import train
from hypothesis import strategies as st

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.labelling.trained import load_trained

PLAIN = ("network", "inference", "PETMRDataModule", "hyper_parameters", "epoch")


@pytest.fixture(scope="module")
def genuine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return train(make_cohort(folder), folder)


def read(path: Path) -> None:
    """Load a checkpoint, and let its network label something small."""
    trained = load_trained(path)
    with torch.inference_mode():
        trained.network(torch.zeros(1, len(trained.modalities), 16, 16, 16))


def check(path: Path, whole: bytes) -> None:
    path.write_bytes(whole)
    with kept("checkpoints", "found.ckpt", whole):
        assert str(path) in (said := told(lambda: read(path))) or not said


def spoilt_entries(genuine: Path) -> st.SearchStrategy[bytes]:
    """Another description of the network and its data, under a hash that fits."""
    known = torch.load(genuine, weights_only=True)
    plain = {name: known[name] for name in PLAIN}
    place = genuine.with_name("forged.ckpt")

    def forged(entries: object) -> bytes:
        whole = {**copy.copy(known), **entries} if isinstance(entries, dict) else entries
        SafeCheckpointIO().save_checkpoint(whole, place)
        return place.read_bytes()

    return changed(plain).map(forged)


def spoilt_bytes(genuine: Path) -> st.SearchStrategy[bytes]:
    """Damage to the archive, with a hash that fits or without."""
    place = genuine.with_name("hashed.ckpt")

    def hashed(whole: bytes) -> bytes:
        place.write_bytes(whole)
        return give_hash(place).read_bytes() if len(whole) > 2 else whole

    original = genuine.read_bytes()[:-79] + bytes(2)
    return st.one_of(damaged(original).map(hashed), damaged(genuine.read_bytes()))


@pytest.mark.parametrize("spoilt", [spoilt_entries, spoilt_bytes])
def test_a_damaged_checkpoint(genuine, tmp_path, spoilt):
    fuzz(lambda whole: check(tmp_path / "found.ckpt", whole), whole=spoilt(genuine))()


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("spoilt", [spoilt_entries, spoilt_bytes])
def test_many_damaged_checkpoints(genuine, tmp_path, spoilt):
    fuzz(lambda whole: check(tmp_path / "found.ckpt", whole), LONG, whole=spoilt(genuine))()


@pytest.mark.parametrize("path", corpus("checkpoints"), ids=lambda path: path.name)
def test_a_checkpoint_that_was_once_choked_on(tmp_path, path):
    check(tmp_path / "found.ckpt", path.read_bytes())
