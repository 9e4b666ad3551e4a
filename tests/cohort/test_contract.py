import json
from dataclasses import replace

import numpy as np
import pytest
from builders.cohorts import COARSE, brain, make_cohort, save, write_source

from datamodules.cohort.contract import Contract, Modality, differences, prepare_command
from datamodules.cohort.prepare import prepare
from datamodules.cohort.store import open_cohort
from datamodules.cohort.unlabelled import prepare_unlabelled
from datamodules.cohort.verify import check_cohort
from datamodules.findings import FaultyDataError, errors
from datamodules.sources.find import find_subjects
from datamodules.volumes.settings import PrepareSettings

ONE = Contract(
    {"pet": Modality("Bq/ml", "0:137919"), "mr": Modality("arbitrary", "p0.5:p99.5")}, (3.0,) * 3, "RAS", (180.0,) * 3
)


def test_a_cohort_states_what_its_voxels_are(tmp_path):
    manifest = write_source(tmp_path / "source", 3)
    for index in range(3):
        (tmp_path / f"source/s{index}/pet.json").write_text('{"Units": "BQML"}')
    settings = PrepareSettings(protocol="coarse9", spacing=(2.0, 2.0, 2.0))
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", settings)
    stated = json.loads((cohort.path / "cohort.json").read_text())["contract"]
    view = np.max([subject.view for subject in cohort.subjects.values()], axis=0).tolist()
    assert stated == {
        "modalities": {
            "pet": {"numbers": "Bq/ml", "scaling": "0:137919"},
            "mr": {"numbers": "arbitrary", "scaling": "p0.5:p99.5"},
        },
        "spacing": [2.0, 2.0, 2.0],
        "orientation": "RAS",
        "view": view,
    }
    assert 16 < max(view) <= 26
    assert open_cohort(cohort.path).contract == cohort.contract


def test_the_voxel_size_is_stated_where_every_subject_kept_its_own_grid_too(tmp_path):
    cohort = make_cohort(tmp_path)
    assert cohort.settings["spacing"] is None
    assert cohort.contract.spacing == (1, 1, 1)
    assert cohort.preparation["settings"]["spacing"] == [1, 1, 1]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"spacing": (2.0, 2.0, 2.0)}, "spacing 3 against 2"),
        ({"spacing": (3.0, 3.0, 1.2)}, "spacing 3 against 3x3x1.2"),
        ({"modalities": {"pet": ONE.modalities["pet"]}}, "modalities pet, mr against pet"),
        ({"modalities": {**ONE.modalities, "pet": Modality("SUV", "0:137919")}}, "pet in Bq/ml against SUV"),
        (
            {"modalities": {**ONE.modalities, "mr": Modality("arbitrary", "0:255")}},
            "mr scaled p0.5:p99.5 against 0:255",
        ),
    ],
)
def test_contracts_that_contradict_each_other_say_so_in_a_few_words(changes, text):
    assert differences(ONE, (0, 1), replace(ONE, **changes), (0, 1)) == [text]


def test_what_makes_no_difference_to_a_network_is_none():
    close = replace(ONE, spacing=(3.05, 3.0, 2.9))
    other_unit = replace(ONE, modalities={**ONE.modalities, "mr": Modality("0..4095", "p0.5:p99.5")})
    assert differences(ONE, (0, 1), close, (0, 1)) == differences(ONE, (0, 1), other_unit, (0, 1)) == []


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (range(9), "45 classes against 9"),
        ([*range(44), 99], "classes 44 against 99"),
        ([1, 0, *range(2, 45)], "the same classes in another order"),
    ],
)
def test_classes_are_counted_or_told_apart_never_listed(labels, text):
    assert differences(ONE, range(45), ONE, tuple(labels)) == [text]


def test_the_command_that_prepares_alike_can_be_given_as_it_stands():
    command = prepare_command(["/my data/bids", "--session", "a,b"], "/out put", ONE, "coarse9")
    assert command == (
        "petmr prepare '/my data/bids' '/out put' --session a,b --protocol coarse9 --spacing 3 "
        """--scaling '{"pet": "0:137919", "mr": "p0.5:p99.5"}'"""
    )


def unlabelled(folder, cohort, **volumes):
    (subject,) = find_subjects(write_source(folder, 1))
    for name, volume in volumes.items():
        save(subject.images[name], volume)
    settings = PrepareSettings.from_dict(cohort.preparation["settings"])
    return prepare_unlabelled(replace(subject, label=None), settings, cohort.protocol, cohort.contract)


def test_new_images_are_held_against_the_range_of_the_training(tmp_path):
    cohort = make_cohort(tmp_path)
    with pytest.raises(FaultyDataError) as caught:
        unlabelled(tmp_path / "new", cohort, mr=brain(0)[1] * 10)
    (finding,) = caught.value.findings
    assert "of the brain's voxels lie beyond the range 0 to 255" in finding.text
    assert finding.remedy == "Bring it to the numbers that the network was trained on: arbitrary."


def test_new_images_in_another_unit_are_refused_and_without_any_warned_of(tmp_path):
    manifest = write_source(tmp_path / "source", 3)
    for index in range(3):
        (tmp_path / f"source/s{index}/pet.json").write_text('{"Units": "BQML"}')
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    told = unlabelled(tmp_path / "new", cohort).findings
    assert "Nothing tells the unit of its numbers; the network was trained on Bq/ml." in [one.text for one in told]
    (tmp_path / "new/s0/pet.json").write_text('{"Units": "SUV"}')
    with pytest.raises(FaultyDataError, match=r"Its numbers are SUV; the network was trained on Bq/ml\. Bring it"):
        unlabelled(tmp_path / "new", cohort)


def test_a_head_larger_than_any_of_the_training_is_warned_of(tmp_path):
    cohort = make_cohort(tmp_path)
    small = replace(cohort.contract, view=(10.0, 10.0, 10.0))
    told = unlabelled(tmp_path / "new", replace(cohort, contract=small)).findings
    assert any("in training it was at most 10 x 10 x 10 mm" in one.text for one in told)
    assert not any("in training" in one.text for one in unlabelled(tmp_path / "again", cohort).findings)


def fingerprint(tmp_path, name, change=lambda manifest: None):
    manifest = write_source(tmp_path / name, 3)
    change(manifest)
    return prepare(find_subjects(manifest), tmp_path / f"{name}-cohort", COARSE).fingerprint


def test_the_fingerprint_covers_body_weight_and_sidecar_but_no_other_covariate(tmp_path):
    def heavier(manifest):
        manifest.write_text(manifest.read_text().replace(",70", ",71"))

    def older(manifest):
        first, *rows = manifest.read_text().split()
        manifest.write_text("\n".join([f"{first},age", *(f"{row},60" for row in rows)]))

    def other_dose(manifest):
        (manifest.parent / "s1/pet.json").write_text('{"InjectedRadioactivity": 200}')

    same = fingerprint(tmp_path, "a")
    assert fingerprint(tmp_path, "b") == fingerprint(tmp_path, "c", older) == same
    assert len({same, fingerprint(tmp_path, "d", heavier), fingerprint(tmp_path, "e", other_dose)}) == 3


def test_a_sidecar_that_changed_while_preparation_was_interrupted_is_read_again(tmp_path):
    manifest = write_source(tmp_path / "source", 3)

    def stop(subject):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(find_subjects(manifest), tmp_path / "cohort", COARSE, progress=stop)
    (tmp_path / "source/s0/pet.json").write_text('{"Units": "Bq/mL"}')
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    assert cohort.subjects["s0"].acquisition["pet"] == {"Units": "Bq/mL"}


def test_a_sidecar_that_changed_since_makes_the_cohort_stale(tmp_path):
    cohort = make_cohort(tmp_path)
    (tmp_path / "source/s0/pet.json").write_text('{"Units": "Bq/mL"}')
    (finding,) = errors(check_cohort(cohort))
    assert (finding.subject, finding.kind) == ("s0", "sidecar changed")
