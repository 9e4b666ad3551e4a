"""Whatever a cohort is like: who is listed is who is stored, split and restored, under the very same names."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamodules.cohort.prepare import prepare
from datamodules.cohort.splits import certify, load_splits
from datamodules.cohort.store import open_cohort
from datamodules.cohort.verify import check_cohort
from datamodules.findings import errors
from datamodules.labels.protocol import load_protocol
from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import PARTS, can_name_files
from datamodules.tables import FORMULA
from datamodules.volumes.grid import Grid
from datamodules.volumes.settings import PrepareSettings
from datamodules.volumes.units import ARBITRARY

COARSE = load_protocol("coarse9")
NAMES = st.one_of(
    st.sampled_from(
        ["001", "01", "NA", "null", "1e5", "True", "-1", "s 1", "Müller, Jörg", 'a"b', "sub-1_ses-a", "[red]", "$x$"]
    ),
    st.text(min_size=1, max_size=12).filter(lambda text: can_name_files(text) and not FORMULA.fullmatch(text)),
)
UNITS = {"Bq/mL": "Bq/ml", "BQML": "Bq/ml", "kBq/ml": "kBq/ml", "SUV": "SUV", "": ARBITRARY}
AXES = ("RAS", "LAS", "LIA", "PSR")


@dataclass(frozen=True)
class Person:
    name: str
    group: str
    absent: frozenset[int]
    spacing: tuple[float, float, float]
    axes: str


@st.composite
def people(draw):
    names = draw(st.lists(NAMES, min_size=4, max_size=6, unique=True))
    labels = st.frozensets(st.sampled_from([4, 8, 16, 17]), max_size=3)
    groups = draw(st.lists(NAMES, min_size=3, max_size=len(names), unique=True))
    sides = st.floats(0.8, 2.5).map(lambda side: round(side, 3))
    return [
        Person(
            name,
            groups[k % len(groups)],
            draw(labels),
            (draw(sides), draw(sides), draw(sides)),
            draw(st.sampled_from(AXES)),
        )
        for k, name in enumerate(names)
    ]


def write(folder, number, person, units):
    """Images of some structures on the person's own grid; returns the label map."""
    rng = np.random.default_rng(number)
    label = np.zeros((12, 10, 11), np.int16)
    label[1:11, 1:9, 1:10], label[3:6, 2:8, 2:9] = 3, 2
    for k, structure in enumerate({4, 8, 16, 17} - person.absent):
        label[6 + k, 3:7, 3:8] = structure
    affine = nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(person.axes), label.shape)
    affine = np.diag([*person.spacing, 1]) @ affine
    images = {
        "pet": 2e4 * (label > 0) + rng.uniform(1, 5e3, label.shape),
        "mr": label + rng.uniform(1, 90, label.shape),
    }
    for kind, volume in {**images, "label": label}.items():
        image = nib.Nifti1Image(volume.astype(np.int16 if kind == "label" else np.float32), affine)
        nib.save(image, folder / f"{kind}{number}.nii")
    if units:
        (folder / f"pet{number}.json").write_text(json.dumps({"Units": units}))
    return label


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    people=people(),
    units=st.sampled_from(list(UNITS)),
    spacing=st.sampled_from([None, (2.0, 2.0, 2.0), (1.0, 1.5, 2.0)]),
)
def test_identities_hold_from_the_list_to_the_restored_label_map(people, units, spacing):
    if spacing is None:
        people = [Person(p.name, p.group, p.absent, people[0].spacing, "RAS") for p in people]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        labels = {person.name: write(folder, k, person, units) for k, person in enumerate(people)}
        rows = [
            {"subject": p.name, **{kind: f"{kind}{k}.nii" for kind in ("pet", "mr", "label")}, "group": p.group}
            for k, p in enumerate(people)
        ]
        pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
        subjects = find_subjects(folder / "manifest.csv")
        assert {subject.id: subject.group for subject in subjects} == {p.name: p.group for p in people}

        prepare(subjects, folder / "cohort", PrepareSettings(protocol="coarse9", spacing=spacing))
        cohort = open_cohort(folder / "cohort")
        assert cohort.groups == {p.name: p.group for p in people}
        assert cohort.contract.modalities["pet"].numbers == UNITS[units]
        assert np.allclose(cohort.contract.spacing, spacing or people[0].spacing, rtol=0.05)
        assert not errors(check_cohort(cohort))

        for name, label in labels.items():
            known = cohort.subjects[name]
            own = nib.load(known.sources["label"].path)
            assert known.grid == Grid.of(own.shape, own.affine)
            assert known.voxels == tuple(np.bincount(COARSE.to_indices(label).ravel(), minlength=9).tolist())
            truth, grid = cohort.truth(name)
            assert grid == known.grid
            assert np.array_equal(COARSE.to_indices(truth), COARSE.to_indices(label))
            restored, _ = cohort.restore(name, np.asarray(cohort.label(name)))
            assert restored.shape == label.shape
            if spacing is None:
                assert np.array_equal(COARSE.to_indices(restored), COARSE.to_indices(label))
            images = cohort.images(name)
            assert 0 <= images.min() <= images.max() <= 1
            assert images.max() > 0.05

        certificate = certify(cohort, 3, 0)
        again = load_splits(open_cohort(folder / "cohort"), 3, 0)
        assert again == certificate.splits
        for fold in again.folds:
            assert sorted(fold.part_of) == sorted(p.name for p in people)
            parts = [{cohort.groups[name] for name in getattr(fold, part)} for part in PARTS]
            assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert sorted(name for fold in again.folds for name in fold.test) == sorted(p.name for p in people)
