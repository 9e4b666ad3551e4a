import gzip
import json
import struct

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import LIA, brain, save, write_source
from builders.hostile.bombs import BOMBS, header
from builders.hostile.measured import GIB, petmr_measured

from datamodules.volumes import unpack
from datamodules.volumes.read import read_labels, read_volume
from datamodules.volumes.unpack import Claim, OversizeError


@pytest.mark.slow
def test_bombs_are_findings_like_any_other_in_bounded_time_and_memory(tmp_path):
    write_source(tmp_path, len(BOMBS))
    words = ["check", tmp_path / "manifest.csv", "--protocol", "coarse9", "--json", tmp_path / "found.json"]
    usual = petmr_measured(*words)
    for index, bomb in enumerate(BOMBS.values()):
        bomb(tmp_path / f"s{index}/pet.nii.gz")
    told = petmr_measured(*words, limit=6 * GIB)
    assert told.code == 1, told.said
    findings = json.loads((tmp_path / "found.json").read_text())["findings"]
    found = {one["file"]: one["text"] for one in findings if one["severity"] == "error" and "claims" in one["text"]}
    assert list(found) == [f"{tmp_path}/s{index}/pet.nii.gz" for index in range(len(BOMBS))]
    assert told.peak < usual.peak + 0.3 * GIB
    assert told.seconds < usual.seconds + 20


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz", "a.mgh"])
def test_a_volume_comes_back_as_nibabel_reads_it(tmp_path, name):
    kind = nib.freesurfer.MGHImage if "mg" in name else nib.Nifti1Image
    nib.save(kind(brain(0)[0], LIA), tmp_path / name)
    volume, grid = read_volume(tmp_path / name)
    assert np.array_equal(volume, brain(0)[0])
    assert np.allclose(grid.matrix, LIA)


def test_big_endian_and_nifti_2_are_read(tmp_path):
    big = nib.Nifti1Image(brain(0)[2], LIA, nib.Nifti1Header(endianness=">"))
    nib.save(big, tmp_path / "big.nii.gz")
    nib.save(nib.Nifti2Image(brain(0)[2], LIA), tmp_path / "two.nii")
    for name in ("big.nii.gz", "two.nii"):
        assert np.array_equal(read_labels(tmp_path / name)[0], brain(0)[2])


@pytest.mark.parametrize("shape", [(646, 645, 645), (645, 645, 645, 16, 2), (30000, 30000, 30000)])
def test_more_than_a_head_takes_is_refused_by_the_header_alone(shape):
    with pytest.raises(OversizeError, match=rf"Its header claims {shape[0]} x .* expected at most 268,435,456 voxels"):
        Claim.of(bytes(header(shape))).check()


@pytest.mark.parametrize("shape", [(645, 645, 645), (256, 256, 256, 60)])
def test_what_a_head_takes_is_not(shape):
    Claim.of(bytes(header(shape))).check()


def test_a_compressed_file_is_read_to_its_checksum_though_bytes_follow_its_voxels(tmp_path):
    save(tmp_path / "a.nii.gz", brain(0)[2])
    whole = gzip.decompress((tmp_path / "a.nii.gz").read_bytes()) + bytes(1000)
    packed = bytearray(gzip.compress(whole))
    (tmp_path / "a.nii.gz").write_bytes(packed)
    assert np.array_equal(read_labels(tmp_path / "a.nii.gz")[0], brain(0)[2])
    packed[-6] ^= 1
    (tmp_path / "a.nii.gz").write_bytes(packed)
    with pytest.raises(ValueError, match=r"a\.nii\.gz: can't be read whole \(CRC check failed"):
        read_labels(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(
    "start", [b"", b"PK\x03\x04", struct.pack(">i", 1), struct.pack("<i", 348) + bytes(344), bytes(600)]
)
def test_what_is_no_image_is_told_so(tmp_path, start):
    (tmp_path / "a.nii").write_bytes(start)
    with pytest.raises(ValueError, match=r"a\.nii: can't be read whole \(it is no single-file NIfTI or MGH volume\)"):
        read_volume(tmp_path / "a.nii")


def test_what_does_not_fit_into_memory_is_told_so(tmp_path, monkeypatch):
    def exhausted(*args: object) -> None:
        raise MemoryError

    save(tmp_path / "a.nii.gz", brain(0)[2])
    monkeypatch.setattr(unpack, "_to_the_end", exhausted)
    with pytest.raises(ValueError, match=r"a\.nii\.gz: doesn't fit into the memory that there is"):
        read_volume(tmp_path / "a.nii.gz")
