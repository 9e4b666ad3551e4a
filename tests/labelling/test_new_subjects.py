import subprocess
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from builders.cohorts import LIA, make_cohort, write_source
from builders.hostile.forged import forge
from builders.trained import train

from benchmark.checkpoints import SafeCheckpointIO
from benchmark.figures.pictures.contact_sheet import draw_sheet
from benchmark.labelling.devices import choose_device, feasible
from benchmark.labelling.new_subjects import choose_images, predict
from benchmark.labelling.predictions import write_prediction
from benchmark.labelling.trained import load_ensemble, load_trained
from benchmark.labelling.whole_subjects import label_subject
from datamodules.findings import errors
from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import Selection, Subject
from datamodules.tables import read_table
from datamodules.volumes.grid import Grid

UNLABELLED = Selection(labels=False)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def checkpoints(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return [train(cohort, folder, seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def subjects(cohort):
    return find_subjects(cohort.path.parent / "source/manifest.csv", selection=UNLABELLED)


def sketch(path, snapshots, protocol):
    """Instead of a picture, which takes seconds."""
    path.write_text(snapshots[0].subject)


def label_through_the_cohort(trained, cohort, subject):
    image = torch.from_numpy(cohort.images(subject)).float()
    classes = label_subject(trained.network, image, trained.protocol.partners, trained.inference)
    return cohort.restore(subject, classes.numpy())


def test_a_new_subject_is_labelled_as_the_test_labels_it(cohort, checkpoints, subjects, tmp_path):
    trained = load_trained(checkpoints[0])
    predict(trained, subjects[:2], tmp_path, sketch)
    for subject in ("s0", "s1"):
        expected, grid = label_through_the_cohort(trained, cohort, subject)
        found = nib.load(tmp_path / f"{subject}_dseg.nii.gz")
        assert nib.aff2axcodes(found.affine) == ("L", "I", "A")
        assert Grid.of(found.shape, found.affine) == grid
        assert np.array_equal(np.asarray(found.dataobj), expected)
        assert len(np.unique(expected)) > 1


@pytest.mark.parametrize("axes", ["RAS", "SPL"])
def test_the_orientation_of_the_files_makes_no_difference(checkpoints, subjects, tmp_path, axes):
    trained, turned = load_trained(checkpoints[0]), {}
    turn = nib.orientations.ornt_transform(nib.io_orientation(LIA), nib.orientations.axcodes2ornt(axes))
    for name, path in subjects[0].images.items():
        turned[name] = tmp_path / f"{name}.nii.gz"
        nib.save(nib.load(path).as_reoriented(turn), turned[name])
    predict(trained, [subjects[0]], tmp_path / "files", sketch)
    predict(trained, [replace(subjects[0], images=turned)], tmp_path / "turned", sketch)
    as_filed, as_turned = (nib.load(tmp_path / f"{name}/s0_dseg.nii.gz") for name in ("files", "turned"))
    assert nib.aff2axcodes(as_turned.affine) == tuple(axes)
    assert np.array_equal(np.asarray(as_filed.as_reoriented(turn).dataobj), np.asarray(as_turned.dataobj))


def test_the_pet_may_lie_on_another_grid_than_the_mr(checkpoints, subjects, tmp_path):
    pet = nib.load(subjects[0].images["pet"])
    affine = pet.affine @ np.diag([2, 2, 2, 1])
    nib.save(nib.Nifti1Image(pet.get_fdata(dtype=np.float32)[::2, ::2, ::2], affine), tmp_path / "pet.nii.gz")
    subject = replace(subjects[0], images={**subjects[0].images, "pet": tmp_path / "pet.nii.gz"})
    findings = predict(load_trained(checkpoints[0]), [subject], tmp_path, sketch)
    assert nib.load(tmp_path / "s0_dseg.nii.gz").shape == nib.load(subject.images["mr"]).shape
    assert any("resampled" in finding.text for finding in findings)


def test_an_ensemble_averages_logits(cohort, checkpoints):
    image = torch.rand(1, 2, 16, 16, 16)
    together = load_ensemble(checkpoints)
    alone = [load_trained(path).network(image) for path in checkpoints]
    torch.testing.assert_close(together.network(image), (alone[0] + alone[1]) / 2)
    assert not torch.equal(alone[0], alone[1])


def test_volumes_and_uptake_are_those_of_the_written_labels_on_the_original_pet(checkpoints, subjects, tmp_path):
    predict(load_trained(checkpoints[0]), [subjects[0]], tmp_path, sketch)
    labels = np.asarray(nib.load(tmp_path / "s0_dseg.nii.gz").dataobj)
    pet = nib.load(subjects[0].images["pet"]).get_fdata()
    table = pd.read_csv(tmp_path / "volumes.csv").set_index("label")
    assert set(table["subject"]) == {"s0"}
    brain = pet[labels > 0].mean()
    for label in np.unique(labels[labels > 0]):
        assert table.loc[label, "ml"] == pytest.approx((labels == label).sum() / 1000)
        assert table.loc[label, "unit"] == "SUVR (whole brain)"
        assert table.loc[label, "mean"] * brain == pytest.approx(pet[labels == label].mean(), rel=0.2)


def test_a_sidecar_and_a_weight_give_suv(checkpoints, tmp_path):
    subject = find_subjects(write_source(tmp_path / "source", 1), selection=UNLABELLED)[0]
    (subject.images["pet"].parent / "pet.json").write_text(
        '{"Units": "Bq/mL", "InjectedRadioactivity": 140, "InjectedRadioactivityUnits": "MBq", "InjectionStart": 0, '
        '"ImageDecayCorrected": true, "ImageDecayCorrectionTime": 0, "TracerRadionuclide": "F18"}'
    )
    predict(load_trained(checkpoints[0]), [subject], tmp_path, sketch)
    labels = np.asarray(nib.load(tmp_path / "s0_dseg.nii.gz").dataobj)
    table = pd.read_csv(tmp_path / "volumes.csv").set_index("label")
    label = int(np.bincount(labels[labels > 0]).argmax())
    expected = nib.load(subject.images["pet"]).get_fdata()[labels == label].mean() * 70_000 / 140e6
    assert table.loc[label, "unit"] == "SUV"
    assert table.loc[label, "mean"] == pytest.approx(expected, rel=1e-5)


def test_viewers_get_colours_and_eyes_a_picture(checkpoints, subjects, tmp_path):
    trained = load_trained(checkpoints[0])
    predict(trained, [subjects[0]], tmp_path, draw_sheet)
    thalamus = next(one for one in trained.protocol.structures if one.name == "Thalamus")
    colour = " ".join(map(str, thalamus.colour))
    assert f"\n{thalamus.label} Thalamus {colour} 0\n" in (tmp_path / "labels.txt").read_text()
    assert f"\n{thalamus.label} Thalamus {colour} 255\n" in (tmp_path / "labels.ctbl").read_text()
    assert (tmp_path / "s0.png").read_bytes().startswith(b"\x89PNG")


def test_settings_of_inference_travel_with_the_checkpoint_and_can_be_changed(checkpoints):
    trained = load_trained(checkpoints[0])
    assert trained.inference.window.size == (16, 16, 16)
    assert trained.inference.window.batch == 1
    changed = trained.adjusted(mirror=True, weights="gaussian", overlap=0.5).inference
    assert (changed.mirror, changed.window.weights, changed.window.overlap) == (True, "gaussian", 0.5)
    assert changed.window.size == (16, 16, 16)


@pytest.fixture
def processor(monkeypatch):
    """Pretend another kind of processor."""
    return lambda kind: monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: kind)


def test_a_network_labels_in_the_precision_of_its_training_unless_told_otherwise(
    cohort, checkpoints, tmp_path, processor
):
    processor("AVX512")
    halved = load_trained(train(cohort, tmp_path, precision="bf16-mixed", epoch_length=2))
    window = torch.rand(1, 2, 16, 16, 16)
    dtypes = [one.network(window).dtype for one in (halved, halved.adjusted("32"), halved.adjusted(mirror=False))]
    assert dtypes == [torch.bfloat16, torch.float32, torch.bfloat16]
    with pytest.raises(ValueError, match=r"can't be averaged: inference precision 32 against bf16\.$"):
        load_ensemble([checkpoints[0], tmp_path / "seed-0.ckpt"])


def test_a_processor_that_takes_ages_for_half_precision_labels_in_single_unless_told_otherwise(
    cohort, checkpoints, tmp_path, processor
):
    halved = train(cohort, tmp_path, precision="bf16-mixed")
    processor("AVX2")
    assert load_trained(halved).precision == "32" and load_trained(halved).adjusted("bf16").precision == "bf16"
    assert load_ensemble([checkpoints[0], halved]).precision == "32"
    assert feasible("bf16", "cuda:1") == "bf16"


def test_half_precision_labels_almost_alike(cohort, checkpoints):
    image = torch.from_numpy(cohort.images("s0")).float()
    whole = load_trained(checkpoints[0])
    labels = [
        label_subject(one.network, image, one.protocol.partners, one.inference)
        for one in (whole, whole.adjusted("bf16"))
    ]
    assert (labels[0] == labels[1]).float().mean() > 0.9
    assert whole.adjusted("bf16").network(image[None, :, :16, :16, :16]).dtype == torch.bfloat16


def test_a_source_needs_no_label_maps(tmp_path):
    manifest = write_source(tmp_path, 2)
    lines = [",".join(line.split(",")[:3]) for line in manifest.read_text().splitlines()]
    manifest.write_text("\n".join(lines))
    subjects = find_subjects(manifest, selection=UNLABELLED)
    assert [subject.id for subject in subjects] == ["s0", "s1"]
    assert all(subject.label is None for subject in subjects)


def test_a_network_of_one_modality_needs_no_other(cohort, subjects, tmp_path):
    trained = load_trained(train(cohort, tmp_path, modalities=["mr"]))
    subject = replace(subjects[0], images={"mr": subjects[0].images["mr"]})
    predict(trained, [subject], tmp_path, sketch)
    assert list(pd.read_csv(tmp_path / "volumes.csv").columns) == ["subject", "structure", "label", "ml"]


def test_a_network_does_without_what_was_dropped_in_its_training(cohort, subjects, tmp_path):
    dropping = {"augmentation.modality_dropout": '{"pet": 0.3}'}
    trained = load_trained(train(cohort, tmp_path, **dropping))
    alone = replace(subjects[0], images={"mr": subjects[0].images["mr"]})
    (told,) = (one for one in predict(trained, [alone], tmp_path / "out", sketch) if one.severity == "note")
    assert told.text.startswith("Labelled without pet, ")
    image = torch.from_numpy(cohort.images("s0")).float()
    image[0] = 0
    classes = label_subject(trained.network, image, trained.protocol.partners, trained.inference)
    expected, _ = cohort.restore("s0", classes.numpy())
    labels = np.asarray(nib.load(tmp_path / "out/s0_dseg.nii.gz").dataobj)
    assert (labels == trained.protocol.to_labels(expected)).mean() > 0.99
    without_mr = replace(subjects[0], images={"pet": subjects[0].images["pet"]})
    with pytest.raises(ValueError, match="s0: Has no mr; the network reads pet, mr"):
        choose_images(without_mr, trained)


def test_no_network_does_without_any_image(cohort, tmp_path):
    dropping = {"augmentation.modality_dropout": '{"pet": 0.3, "mr": 0.3}'}
    trained = load_trained(train(cohort, tmp_path, **dropping))
    with pytest.raises(ValueError, match="s9: Has no pet, mr; the network reads pet, mr"):
        choose_images(Subject("s9", {}, None, "s9"), trained)


def test_missing_and_unknown_modalities_are_named(checkpoints):
    subject = Subject("s9", {"mr": None, "flair": None}, None, "s9")
    with pytest.raises(ValueError, match=r"s9: Has no pet and an unknown flair; the network reads pet, mr"):
        choose_images(subject, load_trained(checkpoints[0]))


def test_subjects_of_faulty_images_are_told_and_nothing_is_written_of_them(checkpoints, subjects, tmp_path):
    empty = tmp_path / "empty.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((24, 24, 24), np.float32), LIA), empty)
    subject = replace(subjects[0], images={**subjects[0].images, "pet": empty})
    (fault, *_) = errors(predict(load_trained(checkpoints[0]), [subject], tmp_path / "out", sketch))
    assert "every voxel is 0" in fault.text
    assert not (tmp_path / "out").exists()
    assert len(errors(predict(load_trained(checkpoints[0]), [subject, subjects[1]], tmp_path / "out", sketch))) == 1
    assert [path.name for path in (tmp_path / "out").glob("*_dseg.nii.gz")] == ["s1_dseg.nii.gz"]
    assert set(read_table(tmp_path / "out/volumes.csv")["subject"]) == {"s1"}


def test_networks_that_read_or_tell_apart_something_else_are_not_averaged(cohort, checkpoints, tmp_path):
    other = train(cohort, tmp_path, modalities=["mr"])
    with pytest.raises(
        ValueError, match=r"seed-0.ckpt and .*seed-0.ckpt can't be averaged: modalities pet, mr against mr.$"
    ):
        load_ensemble([checkpoints[0], other])
    entry = torch.load(checkpoints[1], weights_only=True)
    preparation = entry["PETMRDataModule"]["preparation"]
    preparation["contract"]["modalities"]["mr"]["scaling"] = "0:200"
    preparation["contract"]["spacing"] = [2.0, 2.0, 2.0]
    entry["inference"]["mirror"] = True
    SafeCheckpointIO().save_checkpoint(entry, tmp_path / "other.ckpt")
    text = "spacing 1 against 2; mr scaled 0:255 against 0:200; inference mirror False against True."
    with pytest.raises(ValueError, match=f"can't be averaged: {text}$"):
        load_ensemble([checkpoints[0], tmp_path / "other.ckpt"])


def test_labels_keep_the_headers_codes_units_and_both_transforms_of_the_mr(checkpoints, subjects, tmp_path):
    mr = nib.load(subjects[0].images["mr"])
    image = nib.Nifti1Image(mr.get_fdata(dtype=np.float32), mr.affine)
    image.set_qform(mr.affine, 1)
    image.set_sform(mr.affine, 1)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / "mr.nii.gz")
    subject = replace(subjects[0], images={**subjects[0].images, "mr": tmp_path / "mr.nii.gz"})
    predict(load_trained(checkpoints[0]), [subject], tmp_path, sketch)
    written = nib.load(tmp_path / "s0_dseg.nii.gz")
    assert (written.header["sform_code"], written.header["qform_code"]) == (1, 1)
    assert np.allclose(written.get_qform(), mr.affine)
    assert written.header.get_xyzt_units()[0] == "mm"


def test_predictions_of_a_test_keep_the_header_of_the_label_map(cohort, tmp_path):
    (subject,) = list(cohort.subjects)[:1]
    label = nib.load(cohort.subjects[subject].sources["label"].path)
    write_prediction(tmp_path, cohort, subject, np.asarray(cohort.label(subject)))
    written = nib.load(tmp_path / f"{subject}_dseg.nii.gz")
    for entry in ("sform_code", "qform_code"):
        assert written.header[entry] == label.header[entry]


def test_a_second_prediction_into_the_same_folder_keeps_the_rows_of_the_first(checkpoints, subjects, tmp_path):
    trained = load_trained(checkpoints[0])
    for subject in (subjects[0], subjects[1], subjects[0]):
        predict(trained, [subject], tmp_path, sketch)
    table = read_table(tmp_path / "volumes.csv")
    assert list(dict.fromkeys(table["subject"])) == ["s1", "s0"]
    assert len(table) == 2 * (trained.protocol.num_classes - 1)


def test_the_message_about_another_grid_names_the_mr(checkpoints, subjects, tmp_path):
    pet = nib.load(subjects[0].images["pet"])
    nib.save(nib.Nifti1Image(pet.get_fdata(), pet.affine @ np.diag([2, 2, 2, 1])), tmp_path / "late.nii.gz")
    subject = replace(subjects[0], images={**subjects[0].images, "pet": tmp_path / "late.nii.gz"})
    told = [one.text for one in predict(load_trained(checkpoints[0]), [subject], tmp_path, sketch)]
    assert any(text.startswith("Lies on another grid than mr.nii.gz") for text in told)


def test_who_is_to_look_is_shown_the_picture_and_no_sheet(checkpoints, subjects, tmp_path):
    mr = nib.load(subjects[0].images["mr"])
    moved = mr.affine.copy()
    moved[0, 3] += 0.5
    twice_placed = nib.Nifti1Image(mr.get_fdata(dtype=np.float32), moved)
    twice_placed.set_qform(mr.affine, 1)
    twice_placed.set_sform(moved, 1)
    nib.save(twice_placed, tmp_path / "mr.nii.gz")
    subject = replace(subjects[0], images={**subjects[0].images, "mr": tmp_path / "mr.nii.gz"})
    found = predict(load_trained(checkpoints[0]), [subject], tmp_path, sketch)
    assert {one.kind for one in found if one.remedy == "Look at s0.png."} >= {"two places", "resampled, equal shape"}
    assert not any("sheet" in one.remedy for one in found)
    assert (tmp_path / "s0.png").is_file()


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "tpu9"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(ValueError, match=f"There is no device '{name}' here: choose of cpu"):
        choose_device(name)


class Malicious:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return subprocess.check_call, (["touch", str(self.mark)],)


def test_a_malicious_checkpoint_is_refused_and_does_nothing(tmp_path):
    torch.save({"state_dict": Malicious(tmp_path / "mark")}, tmp_path / "bad.ckpt")
    with pytest.raises(ValueError, match=r"bad.ckpt: is no checkpoint that can be read"):
        load_trained(tmp_path / "bad.ckpt")
    assert not (tmp_path / "mark").exists()


def test_a_truncated_checkpoint_is_refused(checkpoints, tmp_path):
    (tmp_path / "half.ckpt").write_bytes(checkpoints[0].read_bytes()[:20000])
    with pytest.raises(ValueError, match=r"half.ckpt: is no checkpoint that can be read"):
        load_trained(tmp_path / "half.ckpt")


@pytest.mark.parametrize(
    ("sections", "match"),
    [
        ({"network": None}, "is no checkpoint of this suite"),
        ({"network": {"class_path": "subprocess.Popen", "init_args": {}}}, "Popen' is none of this suite's"),
        ({"network": {"class_path": "models.vnet.Nothing", "init_args": {}}}, "Nothing' is none of this suite's"),
        ({"state_dict": {"network.x": torch.zeros(1)}}, "it has more layers than the file has weights"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(checkpoints, tmp_path, sections, match):
    with pytest.raises(ValueError, match=match):
        load_trained(forge(checkpoints[0], tmp_path / "other.ckpt", **sections))


def test_a_checkpoint_that_is_no_dictionary_is_refused(tmp_path):
    SafeCheckpointIO().save_checkpoint(torch.zeros(3), tmp_path / "tensor.ckpt")
    with pytest.raises(ValueError, match="is no checkpoint of this suite"):
        load_trained(tmp_path / "tensor.ckpt")
