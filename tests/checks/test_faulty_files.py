"""What users' files do wrong, through the command line: the message, the exit code, and that no cohort is written."""

import gzip
import json
import re

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import LIA, brain, make_cohort, save, write_source

from benchmark.__main__ import main


@pytest.fixture
def source(tmp_path):
    write_source(tmp_path / "source")
    return tmp_path / "source"


def spoil(path, change):
    path.write_bytes(change(bytearray(path.read_bytes())))


def flip(data):
    data[len(data) // 2] ^= 0xFF
    return data


def zip_trailer(data):
    data[-6] ^= 0xFF  # of the checksum: every voxel can still be read
    return data


def nan_voxels(volume):
    volume[3, 4, 5:8] = np.nan, np.inf, -np.inf
    return volume


def refused(source, capsys, *options) -> str:
    """The errors for which `prepare` exits with 1, leaving no cohort, in one sentence; `check` finds the same."""
    arguments = (str(source / "manifest.csv"), "--protocol", "coarse9", *options)
    table = source.parent / "prepare.json"
    with pytest.raises(SystemExit) as stop:
        main(["prepare", arguments[0], str(source.parent / "cohort"), *arguments[1:], "--json", str(table)])
    said = capsys.readouterr().err.splitlines()[-1]
    assert stop.value.code == 1
    assert said.startswith(f"petmr: {arguments[0]}: ")
    assert {path.name for path in source.parent.iterdir()} <= {"source", "cohort.partial", "prepare.json"}
    found = json.loads(table.read_text())["findings"]
    table.unlink()
    assert {one["text"] for one in errors(source, *arguments)} >= {one["text"] for one in found}
    wrong = [one for one in found if one["severity"] == "error"]
    return "\n".join(f"{one['subject']}: {one['file']}: {one['text']} {one['remedy']}" for one in wrong)


def errors(source, manifest, *options) -> list[dict[str, str]]:
    """The errors that `check` writes down."""
    table = source.parent / "findings.json"
    with pytest.raises(SystemExit) as stop:
        main(["check", manifest, *options, "--json", str(table)])
    assert stop.value.code == 1
    found = json.loads(table.read_text())["findings"]
    table.unlink()
    found = [finding for finding in found if finding["severity"] == "error"]
    assert found
    return found


def warned(source, tmp_path, *options) -> str:
    """All that `check` finds, where nothing of it is an error."""
    table = tmp_path / "findings.json"
    main(["check", str(source / "manifest.csv"), "--protocol", "coarse9", *options, "--json", str(table)])
    found = json.loads(table.read_text())
    assert found["counts"]["error"] == 0
    return "\n".join(f"{one['severity']} {one['subject']}: {one['text']} {one['remedy']}" for one in found["findings"])


@pytest.mark.parametrize("damage", [lambda data: data[:-2000], flip, zip_trailer, lambda data: data[:200]])
def test_1_a_damaged_file_is_named_and_the_others_are_still_checked(source, capsys, damage):
    spoil(source / "s1/pet.nii.gz", damage)
    save(source / "s3/pet.nii.gz", nan_voxels(brain(3)[0]))
    (source / "s2/mr.nii.gz").write_bytes((source / "s3/mr.nii.gz").read_bytes())
    said = refused(source, capsys)
    assert "s1: " in said
    assert "s1/pet.nii.gz: can't be read whole" in said
    assert "s3/pet.nii.gz: 3 voxels are NaN or infinite" in said
    assert "s3/mr.nii.gz: Its mr holds the very bytes of s2's" in said


def test_1_a_truncated_uncompressed_file_is_named(source, capsys):
    whole = gzip.decompress((source / "s1/mr.nii.gz").read_bytes())
    (source / "s1/mr.nii").write_bytes(whole[:-100])
    manifest = source / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("s1/mr.nii.gz", "s1/mr.nii"))
    assert "s1/mr.nii: can't be read whole" in refused(source, capsys)


def test_2_missing_and_empty_files_are_named(source, capsys):
    (source / "s1/pet.nii.gz").unlink()
    (source / "s2/label.nii.gz").write_bytes(b"")
    said = refused(source, capsys)
    assert "s1/pet.nii.gz: There is no such file (pet)" in said
    assert "s2/label.nii.gz: The file is empty (0 bytes)" in said


def test_3_an_image_that_lies_elsewhere_is_refused_though_its_shape_is_equal(source, capsys):
    shifted = LIA.copy()
    shifted[0, 3] += 40
    save(source / "s2/pet.nii.gz", brain(2)[0], shifted)
    assert "Its field of view doesn't overlap with the structures of label.nii.gz; expected at least 90%" in refused(
        source, capsys
    )


def test_3_an_image_that_covers_too_little_is_refused_unless_that_is_allowed(source, tmp_path, capsys):
    shifted = LIA.copy()
    shifted[0, 3] += 8
    save(source / "s2/pet.nii.gz", brain(2)[0], shifted)
    assert "of the structures of label.nii.gz; expected at least 90%" in refused(source, capsys)
    assert "of the structures of label.nii.gz lie outside it" in warned(source, tmp_path, "--coverage", "0.5")


def test_3_another_grid_that_covers_the_head_is_resampled_and_said(source, tmp_path):
    save(source / "s2/pet.nii.gz", np.pad(brain(2)[0], 5), LIA @ translation(-5))
    told = warned(source, tmp_path)
    assert "note s2: Lies on another grid than label.nii.gz and is resampled onto it" in told
    assert "34 x 34 x 34 voxels of 1 x 1 x 1 mm (LIA)" in told


def test_3_equal_shape_is_not_equal_grid(source, tmp_path):
    shifted = LIA.copy()
    shifted[0, 3] += 0.5
    save(source / "s2/pet.nii.gz", brain(2)[0], shifted)
    assert "warning s2: Lies on another grid" in warned(source, tmp_path)
    assert "though the shapes are equal" in warned(source, tmp_path)
    assert "Look whether they lie on each other: petmr check SOURCE --sheet sheet.png." in warned(source, tmp_path)


def test_3_an_image_in_two_places_is_told_with_how_to_look_at_it(source, tmp_path):
    image = nib.Nifti1Image(brain(2)[1], LIA)
    image.set_sform(LIA, 1)
    image.set_qform(LIA @ translation(2), 1)
    nib.save(image, source / "s2/mr.nii.gz")
    told = "warning s2: sform and qform place it differently; sform is used. Look at it: petmr check SOURCE --sheet"
    assert told in warned(source, tmp_path)


def test_4_float_noise_is_tolerated(source, tmp_path):
    save(source / "s2/pet.nii.gz", brain(2)[0], LIA + 1e-5 * np.eye(4))
    assert "grid" not in warned(source, tmp_path)


def test_5_nan_voxels_are_refused_and_become_zero_only_when_asked(source, tmp_path, capsys):
    save(source / "s1/pet.nii.gz", nan_voxels(brain(1)[0]))
    said = refused(source, capsys)
    assert "s1/pet.nii.gz: 3 voxels are NaN or infinite; expected finite values. " in said
    assert "--nan zero" in said
    assert "3 NaN or infinite voxels become 0" in warned(source, tmp_path, "--nan", "zero")


def test_6_empty_and_constant_images_are_refused(source, capsys):
    save(source / "s1/mr.nii.gz", np.zeros((24, 24, 24), np.float32))
    save(source / "s2/pet.nii.gz", np.full((24, 24, 24), 7, np.float32))
    said = refused(source, capsys)
    assert "s1/mr.nii.gz: The image is empty: every voxel is 0" in said
    assert "s2/pet.nii.gz: The image is constant: every voxel is 7" in said


PAPER = ("--scaling", '{"pet": "0:137919", "mr": "0:255"}')


def test_6_negative_pet_is_warned_of(source, tmp_path):
    save(source / "s1/pet.nii.gz", brain(1)[0] - 2000)
    assert "% of the voxels are negative (lowest -2000); they become 0" in warned(source, tmp_path, *PAPER)


def test_6_a_range_that_the_brain_does_not_fit_is_refused_with_the_remedy(source, tmp_path, capsys):
    pet, mr, _ = brain(1)
    save(source / "s1/pet.nii.gz", pet * 10)
    save(source / "s2/pet.nii.gz", pet / 1000)
    save(source / "s3/mr.nii.gz", mr * 5)
    said = refused(source, capsys, *PAPER)
    assert re.search(r"s1/pet.nii.gz: \d\d.\d% of the brain's voxels lie beyond the range 0 to 137919", said)
    assert re.search(r"s2/pet.nii.gz: The brain's brightest voxels \(3\d.\d+\) use under 5% of the range 0 to", said)
    assert re.search(r"s3/mr.nii.gz: \d\d.\d% of the brain's voxels lie beyond the range 0 to 255", said)
    assert """Scale by percentiles: --scaling '{"pet": "p0.5:p99.5"}'.""" in said
    assert """Scale by percentiles: --scaling '{"mr": "p0.5:p99.5"}'.""" in said
    assert "brain" not in warned(source, tmp_path, "--scaling", "p0.5:p99.5")


def test_6_images_from_0_to_1_do_not_go_through_with_the_ranges_of_the_paper(source, capsys):
    for index in range(4):
        pet, mr, _ = brain(index)
        save(source / f"s{index}/pet.nii.gz", pet / pet.max())
        save(source / f"s{index}/mr.nii.gz", mr / 255)
    said = refused(source, capsys, *PAPER)
    assert said.count("use under 5% of the range 0 to 137919") == said.count("use under 5% of the range 0 to 255") == 4


def test_6_two_units_in_one_range_are_refused(source, tmp_path, capsys):
    for name, units in (("s0", "Bq/mL"), ("s1", "BQML"), ("s2", "kBq/mL")):
        (source / f"{name}/pet.json").write_text(json.dumps({"Units": units}))
    said = refused(source, capsys, *PAPER)
    assert "s2/pet.nii.gz: Its numbers are kBq/ml; those of most are Bq/ml." in said
    assert "s3" not in said
    assert "numbers" not in warned(source, tmp_path)


def test_6_the_remedy_for_an_mr_is_its_own_scaling(source, capsys):
    for name, units in (("s0", "Bq/mL"), ("s1", "Bq/mL"), ("s2", "kBq/mL")):
        (source / f"{name}/mr.json").write_text(json.dumps({"Units": units}))
    said = refused(source, capsys, *PAPER)
    assert """Convert them, or scale by percentiles: --scaling '{"mr": "p0.5:p99.5"}'.""" in said
    assert '"pet"' not in said


def test_7_a_dynamic_pet_is_refused_with_the_remedy(source, tmp_path, capsys):
    pet = brain(1)[0]
    save(source / "s1/pet.nii.gz", np.stack([pet, pet], -1))
    said = refused(source, capsys)
    assert "s1/pet.nii.gz: holds 2 frames (24, 24, 24, 2); expected three dimensions" in said
    assert "a dynamic PET needs a sidecar (.json) with FrameDuration" in said
    assert "its sidecar's FrameDuration is None" in refused(source, capsys, "--frames", "0:2")
    (source / "s1/pet.json").write_text('{"FrameDuration": [60, 120], "FrameTimesStart": [0, 90]}')
    assert "starts at 0 s and lasts 60 s, but frame 1 starts at 90 s" in warned(source, tmp_path, "--frames", "0:2")


def test_7_an_mr_of_several_volumes_is_not_told_to_average_frames(source, capsys):
    save(source / "s1/mr.nii.gz", np.stack([brain(1)[1]] * 2, -1))
    said = refused(source, capsys)
    assert "s1/mr.nii.gz: holds 2 frames (24, 24, 24, 2); expected three dimensions. Keep the volume that" in said
    assert "--frames" not in said


def test_8_unknown_labels_are_listed_and_become_background_only_when_asked(source, tmp_path, capsys):
    for name in ("s0", "s3"):
        label = brain(int(name[1]))[2]
        label[12, 12, 12], label[0, 0, :2] = 61, 507
        save(source / name / "label.nii.gz", label)
    said = refused(source, capsys)
    for name in ("s0", "s3"):
        assert f"{name}/label.nii.gz: 2 label ids are outside the protocol coarse9: 61 (1 voxels); 507" in said
    assert "tissue outside the brain" in said
    assert "They become background" in warned(source, tmp_path, "--unknown-labels", "background")


def test_8_labels_that_are_no_whole_numbers_are_refused(source, capsys):
    save(source / "s1/label.nii.gz", brain(1)[2] + np.float32(0.5))
    assert "s1/label.nii.gz: A label map must hold whole numbers" in refused(source, capsys)


def test_9_subjects_without_label_are_listed(source, capsys):
    manifest = source / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("s1/label.nii.gz", "").replace("s3/label.nii.gz", ""))
    assert refused(source, capsys).replace(": :", ":").splitlines() == [
        f"{name}: Has no label map. Label it, or leave it out; prediction needs no label (petmr predict)."
        for name in ("s1", "s3")
    ]


def test_10_an_all_background_label_map_is_warned_of_by_check_and_certificate(source, tmp_path, capsys):
    save(source / "s1/label.nii.gz", np.zeros((24, 24, 24), np.int16))
    assert "warning s1: The label map is all background" in warned(source, tmp_path)
    main(["prepare", str(source / "manifest.csv"), str(tmp_path / "cohort"), "--protocol", "coarse9"])
    capsys.readouterr()
    main(["split", str(tmp_path / "cohort"), "--folds", "2", "--json", str(tmp_path / "split.json")])
    assert "Cerebellum" in capsys.readouterr().out
    contents = json.loads((tmp_path / "split.json").read_text())["contents"]
    assert sum(content["unlabelled"] == ["s1"] for content in contents) == 2
    assert all("Cerebellum" in content["missing"] for content in contents)


def test_11_one_subject_twice_is_refused(source, capsys):
    manifest = source / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("s1,s1", "s0,s1"))
    assert "s0 occurs more than once" in refused(source, capsys)


def test_11_one_scan_under_two_names_is_refused_unless_grouped(source, tmp_path, capsys):
    (source / "s1/pet.nii.gz").write_bytes((source / "s0/pet.nii.gz").read_bytes())
    assert "s1/pet.nii.gz: Its pet holds the very bytes of s0's. Remove one" in refused(source, capsys)
    manifest = source / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",g1,", ",g0,"))
    assert "note s1: Its pet holds the very bytes of s0's" in warned(source, tmp_path)


def test_12_fewer_groups_than_folds_are_refused(tmp_path, capsys):
    cohort = make_cohort(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["split", str(cohort.path), "--folds", "9"])
    assert stop.value.code == 1
    assert "4 groups can't make 9 folds: ask for at most 4" in capsys.readouterr().err
    assert not (cohort.path / "splits").exists()


def test_13_structures_that_a_subject_lacks_are_noted(source, tmp_path):
    told = warned(source, tmp_path)
    assert "Cerebellum, Brain-Stem" in told
    assert "No subject has Ventricles-and-CSF" in told


def test_25_a_corrupt_store_and_a_changed_source_are_found(tmp_path, capsys):
    cohort = make_cohort(tmp_path)
    volume = cohort.path / "volumes/s1_images.npy"
    spoil(volume, flip)
    save(tmp_path / "source/s2/mr.nii.gz", brain(7)[1])
    found = errors(tmp_path / "source", str(cohort.path))
    assert [(one["subject"], one["text"].split(":")[0]) for one in found] == [
        ("s1", "Isn't what was written"),
        ("s2", "The mr has changed since the cohort was prepared"),
    ]
    assert "errors: 2" in capsys.readouterr().err


def translation(voxels: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = voxels
    return matrix
