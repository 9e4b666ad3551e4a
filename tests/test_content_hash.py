import zipfile

import pytest
import torch
from builders.hostile.forged import give_hash

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.content_hash import check_hash


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.ckpt"
    SafeCheckpointIO().save_checkpoint({"state_dict": {"a": torch.arange(6.0)}, "epoch": 3}, path)
    return path


def test_a_checkpoint_with_its_hash_is_still_an_archive_that_everyone_reads(small):
    assert zipfile.ZipFile(small).testzip() is None
    assert torch.load(small, weights_only=True)["state_dict"]["a"].tolist() == [0, 1, 2, 3, 4, 5]
    assert SafeCheckpointIO().load_checkpoint(small)["epoch"] == 3


def test_every_single_flipped_bit_is_noticed(small):
    whole = bytearray(small.read_bytes())
    for position in range(len(whole)):
        bit = 1 << position % 8
        whole[position] ^= bit
        small.write_bytes(whole)
        with pytest.raises(ValueError, match="it is damaged"):
            check_hash(small)
        whole[position] ^= bit


@pytest.mark.parametrize("kept", [0, 1, 21, 100, -1, -77, -78, -80])
def test_a_truncated_checkpoint_is_refused_wherever_it_ends(small, kept):
    small.write_bytes(small.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"small\.ckpt: is no checkpoint that can be read: it is damaged"):
        SafeCheckpointIO().load_checkpoint(small)


def test_a_flipped_bit_of_a_weight_that_pytorch_would_load_is_refused(small):
    whole = bytearray(small.read_bytes())
    whole[whole.index(torch.arange(6.0).numpy().tobytes()) + 4] ^= 1
    small.write_bytes(whole)
    assert torch.load(small, weights_only=True)["state_dict"]["a"][1] != 1
    with pytest.raises(ValueError, match="it is damaged: its bytes aren't those that were written"):
        SafeCheckpointIO().load_checkpoint(small)


def test_an_archive_that_unpacks_to_more_than_it_takes_is_refused(small, tmp_path):
    packed = tmp_path / "packed.ckpt"
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    give_hash(packed)
    with pytest.raises(ValueError, match="its entries are compressed"):
        SafeCheckpointIO().load_checkpoint(packed)


@pytest.mark.parametrize("address", ["https://example.org/best.ckpt", "memory://best.ckpt", "s3://bucket/best.ckpt"])
def test_nothing_is_fetched_from_an_address(address):
    with pytest.raises(FileNotFoundError, match="Fetch it first"):
        SafeCheckpointIO().load_checkpoint(address)
