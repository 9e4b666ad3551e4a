import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import COARSE, brain, make_cohort, save, write_source

from datamodules.cohort.prepare import prepare
from datamodules.cohort.store import open_cohort
from datamodules.labels.protocol import load_protocol
from datamodules.sources.find import find_subjects
from datamodules.volumes.scaling import PAPER, Scaling


def test_the_truth_returns_voxel_identical_to_its_own_grid(tmp_path):
    cohort = make_cohort(tmp_path, subjects=2)
    for subject in cohort.subjects:
        original = nib.load(cohort.subjects[subject].sources["label"].path)
        labels, grid = cohort.restore(subject, np.asarray(cohort.label(subject)))
        np.testing.assert_array_equal(labels, np.asarray(original.dataobj))
        np.testing.assert_allclose(grid.matrix, original.affine)


def test_the_store_holds_scaled_images_in_ras_cut_to_the_head(tmp_path):
    cohort = make_cohort(tmp_path, subjects=1)
    images, label = cohort.images("s0"), cohort.label("s0")
    assert isinstance(images, np.memmap)
    assert (images.dtype, label.dtype) == (np.float16, np.uint8)
    assert images.shape[1:] == label.shape == cohort.subjects["s0"].shape
    assert max(label.shape) < 24
    cortex = label == load_protocol("coarse9").names.index("Cortex")
    assert images[0][cortex].mean() == pytest.approx(34000 / 137919, rel=0.02)
    assert images[1][cortex].mean() == pytest.approx(96 / 255, rel=0.02)


def test_processes_make_no_difference(tmp_path):
    subjects = find_subjects(write_source(tmp_path / "source", 3))
    one = prepare(subjects, tmp_path / "one", COARSE)
    two = prepare(subjects, tmp_path / "two", COARSE, processes=2)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.images("s2"), two.images("s2"))


def test_provenance_names_hashes_settings_and_versions(tmp_path):
    cohort = make_cohort(tmp_path, subjects=1)
    entry = json.loads((cohort.path / "cohort.json").read_text())
    assert len(entry["subjects"][0]["sources"]["pet"]["sha256"]) == 64
    assert entry["settings"]["scaling"] == {"pet": "0:137919", "mr": "0:255"}
    assert "nibabel" in entry["versions"]


def test_the_fingerprint_follows_data_settings_and_groups(tmp_path):
    source = write_source(tmp_path / "source", 2)
    subjects = find_subjects(source)
    first = prepare(subjects, tmp_path / "a", COARSE).fingerprint
    scaled = replace(COARSE, scaling={**PAPER, "mr": Scaling(0, 200)})
    assert prepare(subjects, tmp_path / "b", scaled).fingerprint != first
    save(tmp_path / "source/s1/mr.nii.gz", brain(7)[1])
    assert prepare(subjects, tmp_path / "c", COARSE).fingerprint != first


def test_an_interrupted_preparation_goes_on_where_it_stopped(tmp_path):
    subjects = find_subjects(write_source(tmp_path / "source", 3))
    seen: list[str] = []

    def stop(subject: str) -> None:
        seen.append(subject)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(subjects, tmp_path / "cohort", COARSE, progress=stop)
    assert not (tmp_path / "cohort").exists()
    ready = tmp_path / "cohort.partial/volumes/s0_images.npy"
    written = ready.stat().st_mtime_ns
    cohort = prepare(subjects, tmp_path / "cohort", COARSE)
    assert (cohort.path / "volumes/s0_images.npy").stat().st_mtime_ns == written
    assert list(cohort.subjects) == ["s0", "s1", "s2"]


def test_unknown_labels_become_background_only_when_asked(tmp_path):
    write_source(tmp_path / "source", 2)
    label = brain(0)[2]
    label[12, 12, 12] = 499
    save(tmp_path / "source/s0/label.nii.gz", label)
    folded = replace(COARSE, unknown_to_background=True)
    cohort = prepare(find_subjects(tmp_path / "source/manifest.csv"), tmp_path / "cohort", folded)
    assert (cohort.restore("s0", np.asarray(cohort.label("s0")))[0] > 0).sum() == (label > 0).sum() - 1


def test_an_existing_cohort_is_not_overwritten(tmp_path):
    cohort = make_cohort(tmp_path)
    with pytest.raises(FileExistsError, match="exists already"):
        prepare(find_subjects(tmp_path / "source/manifest.csv"), cohort.path, COARSE)


def test_a_folder_that_is_no_cohort_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="petmr prepare"):
        open_cohort(tmp_path)


def test_resampling_to_cubic_voxels_keeps_the_truth_and_returns_to_its_grid(tmp_path):
    subjects = find_subjects(write_source(tmp_path / "source", 1))
    cohort = prepare(subjects, tmp_path / "cohort", replace(COARSE, spacing=(2.0, 2.0, 2.0)))
    original = np.asarray(nib.load(subjects[0].label).dataobj)
    assert cohort.subjects["s0"].stored.spacing == (2, 2, 2)
    truth, grid = cohort.truth("s0")
    np.testing.assert_array_equal(truth, original)
    restored, back = cohort.restore("s0", np.asarray(cohort.label("s0")))
    assert back == grid
    assert np.mean((restored > 0) == (original > 0)) > 0.95


def test_class_voxels_are_counted_on_the_label_maps_own_grid(tmp_path):
    cohort = make_cohort(tmp_path, subjects=1)
    label = brain(0)[2]
    voxels = dict(zip(cohort.protocol.names, cohort.subjects["s0"].voxels, strict=True))
    assert voxels["Cortex"] == (label == 3).sum()
    assert sum(voxels.values()) == label.size


def test_what_the_sidecar_says_of_activity_is_kept(tmp_path):
    manifest = write_source(tmp_path / "source", 1)
    sidecar = {"Units": "Bq/mL", "InjectedRadioactivity": 250, "InjectedRadioactivityUnits": "MBq", "Operator": "x"}
    (tmp_path / "source/s0/pet.json").write_text(json.dumps(sidecar))
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    del sidecar["Operator"]
    assert cohort.subjects["s0"].acquisition["pet"] == sidecar


def test_what_an_earlier_call_left_of_other_subjects_is_dropped(tmp_path):
    subjects = find_subjects(write_source(tmp_path / "source", 3))

    def stop(subject: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(subjects, tmp_path / "cohort", COARSE, progress=stop)
    cohort = prepare(subjects[1:], tmp_path / "cohort", COARSE)
    assert not list(cohort.path.glob("volumes/s0*"))


def test_a_truncated_store_is_refused_on_opening(tmp_path):
    cohort = make_cohort(tmp_path, subjects=1)
    volume = cohort.path / "volumes/s0_images.npy"
    volume.write_bytes(volume.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"s0_images.npy: has \d+ bytes; \d+ were written"):
        open_cohort(cohort.path)


def test_a_store_without_one_of_its_volumes_is_refused_on_opening(tmp_path):
    cohort = make_cohort(tmp_path, subjects=1)
    (cohort.path / "volumes/s0_label.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"s0_label\.npy: this volume of the cohort is gone"):
        open_cohort(cohort.path)


def test_label_maps_alone_are_not_prepared(tmp_path):
    path = save(tmp_path / "map.nii.gz", brain(0)[2])
    with pytest.raises(ValueError, match="petmr simulate"):
        prepare(find_subjects(path), tmp_path / "cohort", COARSE)
