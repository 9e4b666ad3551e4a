"""A network looks at voxels of the size that it was trained on, whatever size new images have."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from builders.cohorts import COARSE, LIA, brain, write_source
from builders.trained import train

from benchmark.labelling.new_subjects import predict
from benchmark.labelling.trained import load_ensemble, load_trained
from datamodules.cohort.prepare import prepare
from datamodules.cohort.unlabelled import prepare_unlabelled
from datamodules.findings import errors
from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import Selection

UNLABELLED = Selection(labels=False)


def sketch(path, snapshots, protocol):
    path.write_text(snapshots[0].subject)


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    """One source, its own grid kept, and resampled to 2 mm."""
    folder = tmp_path_factory.mktemp("data")
    subjects = find_subjects(write_source(folder / "source"))
    own = prepare(subjects, folder / "own", COARSE)
    return own, prepare(subjects, folder / "coarse", replace(COARSE, spacing=(2.0, 2.0, 2.0)))


@pytest.fixture(scope="module")
def checkpoints(cohorts, tmp_path_factory):
    return [train(cohort, tmp_path_factory.mktemp("trained")) for cohort in cohorts]


def finer(folder, factor=2):
    """A subject of the same extent in voxels of half the side."""
    pet, mr, _ = (one.repeat(factor, 0).repeat(factor, 1).repeat(factor, 2) for one in brain(0))
    affine = LIA @ np.diag([1 / factor] * 3 + [1])
    affine[:3, 3] = (LIA @ [*[(1 / factor - 1) / 2] * 3, 1])[:3]
    folder.mkdir()
    for name, volume in (("pet", pet), ("mr", mr)):
        nib.save(nib.Nifti1Image(volume, affine), folder / f"{name}.nii.gz")
    (folder / "m.csv").write_text("subject,pet,mr\ns0,pet.nii.gz,mr.nii.gz\n")
    (subject,) = find_subjects(folder / "m.csv", selection=UNLABELLED)
    return subject


def stored(trained, subject):
    return prepare_unlabelled(subject, trained.settings, trained.protocol, trained.contract)


@pytest.mark.parametrize(("kind", "spacing"), [(0, 1.0), (1, 2.0)])
def test_images_are_brought_to_the_voxels_of_the_training_and_labels_back(checkpoints, tmp_path, kind, spacing):
    trained, subject = load_trained(checkpoints[kind]), finer(tmp_path / "new")
    assert stored(trained, subject).stored.spacing == (spacing,) * 3
    assert not errors(predict(trained, [subject], tmp_path / "out", sketch))
    labels, mr = nib.load(tmp_path / "out/s0_dseg.nii.gz"), nib.load(subject.images["mr"])
    assert labels.shape == mr.shape == (48, 48, 48)
    assert np.allclose(labels.affine, mr.affine)


def test_a_finer_image_is_labelled_as_the_one_of_the_training_is(checkpoints, cohorts, tmp_path):
    trained = load_trained(checkpoints[0])
    predict(trained, [finer(tmp_path / "new")], tmp_path / "fine", sketch)
    predict(
        trained,
        [find_subjects(cohorts[0].path.parent / "source/manifest.csv", selection=UNLABELLED)[0]],
        tmp_path / "own",
        sketch,
    )
    fine, own = (np.asarray(nib.load(tmp_path / f"{name}/s0_dseg.nii.gz").dataobj) for name in ("fine", "own"))
    assert np.mean(fine[::2, ::2, ::2] == own) > 0.98
    assert len(np.unique(own)) > 1


def test_voxels_that_hardly_differ_stay_as_they_are_where_the_training_kept_its_own(checkpoints, tmp_path):
    subject = finer(tmp_path / "new", factor=1)
    for path in subject.images.values():
        image = nib.load(path)
        nib.save(nib.Nifti1Image(image.get_fdata(), image.affine @ np.diag([1.02, 1, 1, 1])), path)
    assert stored(load_trained(checkpoints[0]), subject).stored.spacing == pytest.approx((1.02, 1, 1))
    assert stored(load_trained(checkpoints[1]), subject).stored.spacing == pytest.approx((2, 2, 2))


def test_the_checkpoint_knows_the_voxel_size_and_what_the_numbers_are(checkpoints, cohorts):
    for path, cohort in zip(checkpoints, cohorts, strict=True):
        data = torch.load(path, weights_only=True)["PETMRDataModule"]
        assert data["input"]["contract"] == json.loads(json.dumps(cohort.contract.to_dict()))
        assert load_trained(path).contract == cohort.contract


def test_networks_of_different_voxel_sizes_are_not_averaged(checkpoints):
    with pytest.raises(ValueError, match=r"can't be averaged: spacing 1 against 2\.$"):
        load_ensemble(checkpoints)
