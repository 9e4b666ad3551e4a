"""Manifests, sidecars and BIDS trees with damaged bytes, odd cells and odd names: findings, or one sentence."""

import csv
import io
import json
import math

import numpy as np
import pytest
from builders.cohorts import brain, save
from builders.hostile.fuzz import LONG, corpus, damaged, fuzz, kept, told, weird
from builders.sources import write_bids
from hypothesis import strategies as st

from benchmark.scoring.suv import uptake_scale
from datamodules.checks.source import check_source
from datamodules.sources.find import list_source
from datamodules.volumes.settings import PrepareSettings
from datamodules.volumes.sidecar import read_sidecar

SETTINGS = PrepareSettings(protocol="coarse9")
HEAD = ("subject", "pet", "mr", "label", "group", "age", "part")
ROWS = [
    ["001", "a/pet.nii", "a/mr.nii", "a/label.nii", "g", "61", "train"],
    ["NA", "b/pet.nii", "b/mr.nii", "b/label.nii", "g", "", "test"],
]
SIDECAR = {
    "Units": "Bq/mL",
    "BodyWeight": 70.0,
    "InjectedRadioactivity": 200.0,
    "InjectedRadioactivityUnits": "MBq",
    "TracerRadionuclide": "F18",
    "FrameTimesStart": [0, 600],
    "FrameDuration": [600, 600],
    "InjectionStart": 0,
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
}
ENTITIES = (
    "sub-0",
    "sub-",
    "sub-é",
    "ses-1",
    "trc-FDG",
    "run-1",
    "run-",
    "space-MNI",
    "desc-aseg",
    "pet",
    "T1w",
    "dseg",
    "",
)
cells = st.one_of(weird.map(str), st.sampled_from(["a/pet.nii", "b", "../a/mr.nii", "a/pet.dcm", ".", "train"]))
names = st.lists(st.sampled_from(ENTITIES), min_size=1, max_size=4).map("_".join)


@st.composite
def manifests(draw) -> bytes:
    """A manifest of which some cells, the head among them, hold something else; or whose bytes are damaged."""
    table = [list(HEAD), *map(list, ROWS)]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.sampled_from(table))
        row[draw(st.integers(0, len(row) - 1))] = draw(cells)
    text = io.StringIO()
    csv.writer(text).writerows(table)
    whole = text.getvalue().encode(errors="surrogatepass")
    return draw(st.one_of(st.just(whole), damaged(whole)))


@st.composite
def sidecars(draw) -> bytes:
    """What stands beside a PET: values replaced, or bytes damaged."""
    told_of = dict(SIDECAR)
    for key in draw(st.lists(st.sampled_from(sorted(SIDECAR)), max_size=3)):
        told_of[key] = draw(weird)
    whole = json.dumps(told_of, default=str).encode()
    return draw(st.one_of(st.just(whole), damaged(whole)))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    for index, name in enumerate("ab"):
        pet, mr, label = brain(index, 12)
        for role, volume in (("pet", pet), ("mr", mr), ("label", label.astype(np.uint8))):
            save(folder / name / f"{role}.nii", volume)
    return folder


def check(source) -> str:
    """Listing and reading a source ends in sentences, whatever stands in it."""

    def read() -> None:
        for one in check_source(list_source(source), SETTINGS):
            assert len(one.text) > 10

    return told(read)


def check_manifest(folder, whole: bytes) -> None:
    path = folder / "manifest.csv"
    path.write_bytes(whole)
    with kept("manifests", "found.csv", whole):
        check(path)


def check_sidecar(folder, whole: bytes) -> None:
    (folder / "a/pet.json").write_bytes(whole)
    (folder / "one.csv").write_text("subject,pet,mr,label\n001,a/pet.nii,a/mr.nii,a/label.nii\n")
    with kept("sidecars", "found.json", whole):
        check(folder / "one.csv")
        told(lambda: _check_scale(read_sidecar(folder / "a/pet.nii")))


def _check_scale(sidecar) -> None:
    factor = uptake_scale(sidecar, 70.0).factor
    assert factor > 0 and math.isfinite(factor)


def check_tree(folder, place: str, name: str, participants: bytes) -> None:
    root = folder / "bids"
    if not root.exists():
        write_bids(root, 1)
    added = root / "sub-0" / place / f"{name}.nii.gz"
    added.parent.mkdir(exist_ok=True)
    was_there = added.exists()
    if not was_there:
        added.write_bytes((root / "sub-0/anat/sub-0_T1w.nii.gz").read_bytes())
    (root / "participants.tsv").write_bytes(participants)
    try:
        with kept("participants", f"{place}-{name}.tsv", participants):
            check(root)
    finally:
        if not was_there:
            added.unlink()


TABLE = b"participant_id\tgroup\tsex\nsub-0\tfamily\tF\n"
TREES = {"place": st.sampled_from(["pet", "anat", "func"]), "name": names, "participants": damaged(TABLE)}


def test_a_damaged_manifest(images):
    fuzz(lambda whole: check_manifest(images, whole), whole=manifests())()


def test_a_damaged_sidecar(images):
    fuzz(lambda whole: check_sidecar(images, whole), whole=sidecars())()


def test_an_odd_tree(images):
    fuzz(lambda **tree: check_tree(images, **tree), **TREES)()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_damaged_manifests(images):
    fuzz(lambda whole: check_manifest(images, whole), LONG, whole=manifests())()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_damaged_sidecars(images):
    fuzz(lambda whole: check_sidecar(images, whole), LONG, whole=sidecars())()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_odd_trees(images):
    fuzz(lambda **tree: check_tree(images, **tree), LONG, **TREES)()


@pytest.mark.parametrize("path", corpus("manifests"), ids=lambda path: path.name)
def test_a_manifest_that_was_once_choked_on(images, path):
    check_manifest(images, path.read_bytes())


@pytest.mark.parametrize("path", corpus("sidecars"), ids=lambda path: path.name)
def test_a_sidecar_that_was_once_choked_on(images, path):
    check_sidecar(images, path.read_bytes())
