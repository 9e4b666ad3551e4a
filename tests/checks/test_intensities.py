import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from builders.cohorts import LIA, brain, write_source
from builders.sources import write_freesurfer

from benchmark.__main__ import main
from datamodules.checks.intensities import settle
from datamodules.simulation.cohort import write_cohort
from datamodules.sources.find import find_subjects
from datamodules.volumes.scaling import DEFAULT, EVERY, PAPER, Scaling
from datamodules.volumes.settings import PrepareSettings


def settled(source, scaling=None, **selection):
    subjects = find_subjects(source, **selection)
    return settle(subjects, PrepareSettings(protocol="coarse9", scaling=scaling or {}))


def tell_units(folder, units, *names):
    for name in names:
        (folder / f"{name}/pet.json").write_text(json.dumps({"Units": units}))


def test_pet_in_becquerels_and_conformed_mr_are_scaled_as_in_the_paper(tmp_path):
    source, selection = write_freesurfer(tmp_path)
    for name in ("ann", "ann2"):
        (tmp_path / f"pet/{name}_pet.json").write_text('{"Units": "Bq/mL"}')
    settings, intensities, findings = settled(source, selection=selection)
    assert settings.scaling == PAPER
    assert str(intensities["pet"]) == "Bq/ml, 0 to 137919 become 0 to 1 (default for such numbers)"
    assert intensities["mr"].numbers == "0..255 as FreeSurfer conforms"
    assert not findings


def test_all_other_numbers_are_scaled_by_percentiles(tmp_path):
    settings, intensities, _ = settled(write_source(tmp_path))
    assert settings.scaling == {"pet": DEFAULT, "mr": DEFAULT}
    assert str(intensities["mr"]) == (
        "arbitrary, percentiles 0.5 and 99.5 of each image's voxels above zero become 0 and 1 "
        "(default for such numbers)"
    )


def test_one_subject_without_the_unit_is_enough(tmp_path):
    manifest = write_source(tmp_path)
    tell_units(tmp_path, "Bq/ml", "s0", "s1", "s2")
    settings, intensities, _ = settled(manifest)
    assert settings.scaling["pet"] == DEFAULT
    assert str(intensities["pet"]).endswith("become 0 and 1 (default where images tell no unit: s3)")
    tell_units(tmp_path, "Bq/ml", "s3")
    assert settled(manifest)[0].scaling["pet"] == PAPER["pet"]


@pytest.mark.parametrize("fault", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_an_image_that_cannot_be_opened_does_not_change_how_the_others_are_scaled(tmp_path, fault):
    source, selection = write_freesurfer(tmp_path)
    for name in ("ann", "ann2"):
        (tmp_path / f"pet/{name}_pet.json").write_text('{"Units": "Bq/mL"}')
    subjects = find_subjects(source, selection=selection)
    (tmp_path / "pet/ann2_pet.json").unlink()
    for path in subjects[-1].images.values():
        fault(path)
    settings, intensities, _ = settle(subjects, PrepareSettings(protocol="coarse9"))
    assert settings.scaling == PAPER
    assert not intensities["pet"].silent


def test_simulated_images_of_any_voxel_size_say_what_their_numbers_are(tmp_path):
    write_cohort(tmp_path / "source", subjects=1, size=16, spacing=12.0, seed=0)
    settings, intensities, _ = settled(tmp_path / "source")
    assert settings.scaling == PAPER
    assert {name: one.numbers for name, one in intensities.items()} == {
        "pet": "Bq/ml",
        "mr": "0..255 as FreeSurfer conforms",
    }


def test_a_scaling_of_an_unknown_modality_is_refused_with_the_known_ones(tmp_path, capsys):
    manifest = write_source(tmp_path / "source", 3)
    with pytest.raises(ValueError, match=r"--scaling names PET; the source has pet, mr\."):
        settled(manifest, {"PET": PAPER["pet"]})
    for words in (["check", str(manifest)], ["prepare", str(manifest), str(tmp_path / "cohort")]):
        with pytest.raises(SystemExit):
            main([*words, "--protocol", "coarse9", "--scaling", '{"PET": "p1:p99"}'])
        assert "petmr: --scaling names PET; the source has pet, mr." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_is_asked_for_comes_before_every_default(tmp_path):
    manifest = write_source(tmp_path)
    half = Scaling(1, 99, percentile=True)
    settings, intensities, _ = settled(manifest, {EVERY: half, "mr": PAPER["mr"]})
    assert settings.scaling == {"pet": half, "mr": PAPER["mr"]}
    assert "default" not in str(intensities["pet"])


def test_a_range_takes_one_unit(tmp_path):
    manifest = write_source(tmp_path)
    tell_units(tmp_path, "Bq/ml", "s0", "s1")
    tell_units(tmp_path, "SUV", "s3")
    _, intensities, (finding,) = settled(manifest, {"pet": PAPER["pet"]})
    assert (finding.severity, finding.subject) == ("error", "s3")
    assert finding.text == "Its numbers are SUV; those of most are Bq/ml."
    assert intensities["pet"].numbers == "Bq/ml and SUV"


def test_the_default_is_said_by_check_and_prepare(tmp_path, capsys):
    manifest = write_source(tmp_path / "source", 3)
    for words in (["check", str(manifest)], ["prepare", str(manifest), str(tmp_path / "cohort")]):
        main([*words, "--protocol", "coarse9"])
        said = capsys.readouterr().out
        assert "pet: arbitrary, percentiles 0.5 and 99.5 of each image's voxels above zero become 0 and 1" in said


def test_raw_t1_of_any_height_goes_through_by_default(tmp_path):
    manifest = write_source(tmp_path / "source", 3)
    for index in range(3):
        image = nib.Nifti1Image((brain(index)[1] * 12).astype(np.int16), LIA)
        nib.save(image, tmp_path / f"source/s{index}/mr.nii.gz")
    main(["prepare", str(manifest), str(tmp_path / "cohort"), "--protocol", "coarse9"])
    stored = np.load(tmp_path / "cohort/volumes/s1_images.npy")[1]
    assert 0.5 < stored.max() <= 1
