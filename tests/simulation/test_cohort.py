import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from datamodules.simulation.bids_files import draw_participant
from datamodules.simulation.cohort import write_cohort
from datamodules.simulation.phantom import phantom_labels

TINY = {"size": 16, "spacing": 12.0, "seed": 3}


def manifest(cohort: Path) -> list[dict[str, str]]:
    with (cohort / "manifest.csv").open() as file:
        return list(csv.DictReader(file))


def voxels(cohort: Path, row: dict[str, str]) -> list[np.ndarray]:
    return [np.asarray(nib.load(cohort / row[column]).dataobj) for column in ("pet", "mr", "label")]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("simulated") / "cohort"
    write_cohort(output, subjects=3, **TINY)
    return output


@pytest.fixture(scope="module")
def label_maps(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    for seed, name in enumerate(("first.nii.gz", "second_dseg.mgz")):
        labels = phantom_labels(seed, 24, 8.0)
        image = (nib.MGHImage if name.endswith("mgz") else nib.Nifti1Image)(labels, np.diag([8.0, 8.0, 8.0, 1.0]))
        nib.save(image, folder / name)
    (folder / "notes.txt").write_text("no label map")
    return folder


def test_the_manifest_lists_existing_files_and_a_group_each(cohort):
    rows = manifest(cohort)
    assert [row["subject"] for row in rows] == ["sub-001", "sub-002", "sub-003"]
    assert len({row["group"] for row in rows}) == 3
    assert all((cohort / row[column]).is_file() for row in rows for column in ("pet", "mr", "label"))


def test_the_three_volumes_of_a_subject_share_a_ras_grid(cohort):
    row = manifest(cohort)[0]
    images = [nib.load(cohort / row[column]) for column in ("pet", "mr", "label")]
    for image in images:
        np.testing.assert_array_equal(image.affine, images[0].affine)
        assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
        assert image.header.get_zooms() == (12, 12, 12)
        assert image.shape == (16, 16, 16)


def test_names_and_sidecars_follow_pet_bids(cohort):
    sidecar = json.loads((cohort / "sub-002/pet/sub-002_trc-18FFDG_pet.json").read_text())
    required = """Manufacturer ManufacturersModelName Units TracerName TracerRadionuclide InjectedRadioactivity
    InjectedRadioactivityUnits InjectedMass InjectedMassUnits SpecificRadioactivity SpecificRadioactivityUnits
    ModeOfAdministration TimeZero ScanStart InjectionStart FrameTimesStart FrameDuration AcquisitionMode
    ImageDecayCorrected ImageDecayCorrectionTime ReconMethodName ReconMethodParameterLabels ReconFilterType
    ReconFilterSize AttenuationCorrection"""
    assert set(required.split()) <= set(sidecar)
    assert sidecar["Units"] == "Bq/mL"
    for folder, kind in ((cohort, "raw"), (cohort / "derivatives/simulation", "derivative")):
        description = json.loads((folder / "dataset_description.json").read_text())
        assert description["DatasetType"] == kind
        assert {"Name", "BIDSVersion", "GeneratedBy"} <= set(description)
    colours = (cohort / "derivatives/simulation/desc-aseg_dseg.tsv").read_text().splitlines()
    assert colours[0] == "index\tname\tcolor"
    assert len(colours) == 46


def test_participants_give_what_an_suv_needs(cohort):
    with (cohort / "participants.tsv").open() as file:
        people = list(csv.DictReader(file, delimiter="\t"))
    assert [person["participant_id"] for person in people] == ["sub-001", "sub-002", "sub-003"]
    for person, row in zip(people, manifest(cohort), strict=True):
        sidecar = json.loads((cohort / row["pet"].replace(".nii.gz", ".json")).read_text())
        pet, _, label = voxels(cohort, row)
        dose_per_gram = sidecar["InjectedRadioactivity"] * 1e6 / (float(person["weight"]) * 1e3)
        assert 2 < pet[np.isin(label, (3, 42))].mean() / dose_per_gram < 14
        assert person["group"] == row["group"]


def test_the_activity_of_a_participant_follows_dose_and_weight():
    people = [draw_participant(np.random.default_rng(seed)) for seed in range(300)]
    activities = np.array([person.cortical_activity for person in people])
    assert 30_000 < np.median(activities) < 38_000
    assert activities.max() < 137_919
    assert people[0].cortical_activity * people[0].weight / people[0].dose / 1e3 == pytest.approx(
        people[0].cortical_suv
    )


def test_subjects_do_not_depend_on_their_number_or_on_processes(cohort, tmp_path):
    write_cohort(tmp_path / "pair", subjects=2, processes=2, **TINY)
    for row in manifest(tmp_path / "pair"):
        for here, there in zip(voxels(tmp_path / "pair", row), voxels(cohort, row), strict=True):
            np.testing.assert_array_equal(here, there)


def test_label_maps_are_taken_in_turn_and_varied(label_maps, tmp_path):
    finished: list[str] = []
    write_cohort(tmp_path / "real", subjects=3, labels=label_maps, progress=finished.append, **TINY)
    rows = manifest(tmp_path / "real")
    assert [row["group"] for row in rows] == ["first", "second_dseg", "first"]
    assert finished == ["sub-001", "sub-002", "sub-003"]
    first, third = (voxels(tmp_path / "real", rows[i])[2] for i in (0, 2))
    assert (first != third).any()
    assert {3, 42, 2, 41} <= set(np.unique(first).tolist())
    assert first.max() < 500


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        write_cohort(tmp_path, subjects=1, **TINY)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "empty").mkdir()
    write_cohort(tmp_path / "empty", subjects=1, **TINY)
    assert (tmp_path / "empty" / "manifest.csv").is_file()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_leaves_nothing_behind(tmp_path, label_maps, processes):
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "a.nii.gz").write_bytes((label_maps / "first.nii.gz").read_bytes())
    nib.save(nib.Nifti1Image(np.full((4, 4, 4), 300, np.int16), np.eye(4)), maps / "b.nii.gz")
    with pytest.raises(ValueError, match=r"b\.nii\.gz: .*300 \(64 voxels\)"):
        write_cohort(tmp_path / "out", subjects=2, labels=maps, processes=processes, **TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]


def test_an_interruption_leaves_nothing_behind(tmp_path):
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(tmp_path / "out", subjects=2, progress=interrupt, **TINY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"subjects": 0}, "subjects is 0, expected at least 1"),
        ({"size": 4}, "size is 4, expected at least 8"),
        ({"spacing": 0.0}, "spacing is 0.0 mm, expected more than 0"),
        ({"seed": -1}, "seed is -1"),
        ({"processes": 0}, "processes is 0"),
    ],
)
def test_numbers_out_of_range_are_named(tmp_path, wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        write_cohort(tmp_path / "out", **({"subjects": 1, **TINY} | wrong))


def test_a_folder_without_label_maps_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no label map"):
        write_cohort(tmp_path / "out", subjects=1, labels=tmp_path, **TINY)
    with pytest.raises(FileNotFoundError, match=r"no folder .*absent"):
        write_cohort(tmp_path / "out", subjects=1, labels=tmp_path / "absent", **TINY)
