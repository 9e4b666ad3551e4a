"""Images with damaged headers, voxels and compression: a finding each, in bounded time and memory."""

import gzip

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import LIA, brain
from builders.hostile.fuzz import LONG, bounded, corpus, damaged, fuzz, kept
from hypothesis import strategies as st

from datamodules.checks.source import check_source
from datamodules.sources.subjects import Listing, Subject
from datamodules.volumes.settings import PrepareSettings

SIDE = 12
PET, MR, LABEL = brain(0, SIDE)
KINDS = {".nii": nib.Nifti1Image, ".mgz": nib.freesurfer.MGHImage}
EXTREMES = (0, 1, -1, 2, 7, 8, 255, 32767, -32768, 2**31 - 1, -(2**31), -0.0, 1e-38, 1e38, float("nan"), float("inf"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("images")


def genuine(suffix: str, kind: str) -> bytes:
    voxels = {"pet": PET, "mr": MR, "label": LABEL.astype(np.int32)}[kind]
    return KINDS[suffix](voxels, LIA).to_bytes()


@st.composite
def spoilt_header(draw, start: bytes, dtype: np.dtype) -> bytes:
    """Some fields of a header changed, to extreme values most of the time."""
    header = np.frombuffer(bytearray(start[: dtype.itemsize]), dtype)[0:1].copy()
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(dtype.names))
        field = header[name]
        if field.dtype.kind in "iuf":
            value = draw(st.sampled_from(EXTREMES))
            place = draw(st.integers(0, field.size - 1))
            with np.errstate(all="ignore"):
                field.reshape(-1)[place] = np.array(value).astype(field.dtype)
        else:
            header[name] = draw(st.binary(max_size=field.dtype.itemsize))
    return header.tobytes() + start[dtype.itemsize :]


NIFTI = nib.Nifti1Header().structarr.dtype
MGH = np.dtype([("version", ">i4"), ("dims", ">i4", 4), ("type", ">i4"), ("dof", ">i4"), ("good", ">i2"),
                ("delta", ">f4", 3), ("mdc", ">f4", (3, 3)), ("centre", ">f4", 3)])  # fmt: skip


@st.composite
def files(draw) -> tuple[str, str, bytes]:
    """A role, a suffix, and the bytes of a damaged file."""
    role, suffix = draw(st.sampled_from(["pet", "mr", "label"])), draw(st.sampled_from(sorted(KINDS)))
    whole = genuine(suffix, role)
    how = draw(st.sampled_from(["header", "bytes", "packed", "both"]))
    if how in ("header", "both"):
        whole = draw(spoilt_header(whole, NIFTI if suffix == ".nii" else MGH))
    if how in ("bytes", "both"):
        whole = draw(damaged(whole))
    packed = suffix == ".mgz" or draw(st.booleans())
    if packed:
        whole = gzip.compress(whole, 1, mtime=0)
        suffix = ".nii.gz" if suffix == ".nii" else suffix
    if how == "packed":
        whole = draw(damaged(whole))
    return role, suffix, whole


def check(folder, role: str, suffix: str, whole: bytes) -> None:
    """Whatever the file holds, its check returns, and all its findings are sentences."""
    images = {name: folder / f"{name}.nii" for name in ("pet", "mr", "label")}
    for name, path in images.items():
        if not path.exists():
            path.write_bytes(genuine(".nii", name))
    images[role] = folder / f"spoilt{suffix}"
    images[role].write_bytes(whole)
    label = images.pop("label")
    with kept("images", f"{role}-found{suffix}", whole), bounded(), np.errstate(all="ignore"):
        for spacing in (None, (1.0, 1.0, 1.0)):
            settings = PrepareSettings(protocol="coarse9", spacing=spacing)
            found = check_source(Listing((Subject("s", images, label, "s"),)), settings, look=lambda snapshot: None)
            assert all(len(one.text) > 10 for one in found)


def test_a_damaged_image(folder):
    fuzz(lambda spoilt: check(folder, *spoilt), spoilt=files())()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_damaged_images(folder):
    fuzz(lambda spoilt: check(folder, *spoilt), LONG, spoilt=files())()


@pytest.mark.parametrize("path", corpus("images"), ids=lambda path: path.name)
def test_an_image_that_was_once_choked_on(tmp_path, path):
    role, _, rest = path.name.partition("-")
    check(tmp_path, role, rest[rest.index(".") :], path.read_bytes())
