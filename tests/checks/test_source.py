import json

import numpy as np
import pytest
from builders.cohorts import COARSE, LIA, brain, make_cohort, save, write_source
from PIL import Image

from benchmark.figures.contact_sheet import TILE, draw_plane, draw_sheet
from benchmark.verbs.finding_tables import merged
from datamodules.checks.snapshot import Plane, Snapshot
from datamodules.checks.source import check_source
from datamodules.cohort.prepare import prepare
from datamodules.cohort.verify import check_cohort
from datamodules.findings import Finding, errors, note
from datamodules.labels.unusual_labels import explain, suggest
from datamodules.sources.find import find_subjects, list_source


def test_a_sound_source_has_no_error_and_nothing_is_changed(tmp_path):
    manifest = write_source(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    report = check_source(list_source(manifest), COARSE)
    assert not errors(report.findings)
    assert [snapshot.subject for snapshot in report.snapshots] == ["s0", "s1", "s2", "s3"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_processes_make_no_difference_to_what_is_found(tmp_path):
    manifest = write_source(tmp_path)
    save(tmp_path / "s2/pet.nii.gz", np.zeros((24, 24, 24)))
    one, two = (check_source(list_source(manifest), COARSE, processes=number) for number in (1, 2))
    assert one.findings == two.findings
    assert one.findings[0].text.startswith("The image is empty")


def test_a_sound_cohort_has_no_error_until_a_source_goes(tmp_path):
    cohort = make_cohort(tmp_path, subjects=3)
    assert not errors(check_cohort(cohort).findings)
    (tmp_path / "source/s1/mr.nii.gz").unlink()
    found = set(check_cohort(cohort).findings) - set(cohort.all_findings)
    assert [(finding.severity, finding.subject) for finding in found] == [("note", "s1")]


def test_what_was_resampled_stands_in_the_cohort(tmp_path):
    manifest = write_source(tmp_path / "source", 3)
    pet = brain(1)[0]
    save(tmp_path / "source/s1/pet.nii.gz", np.pad(pet, 6), shifted(-6))
    cohort = prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    written = json.loads((cohort.path / "cohort.json").read_text())["subjects"][1]["findings"]
    assert any("is resampled onto it" in finding["text"] for finding in written)
    assert not any("resampled" in finding.text for finding in cohort.subjects["s0"].findings)
    assert cohort.images("s1")[0].astype(float).max() == pytest.approx(pet.max() / 137919, rel=1e-3)


def shifted(voxels: int) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = voxels
    return LIA @ matrix


def test_differing_voxel_sizes_are_warned_of(tmp_path):
    manifest = write_source(tmp_path, 3)
    for kind, volume in zip(("pet", "mr", "label"), brain(1), strict=True):
        save(tmp_path / f"s1/{kind}.nii.gz", volume, np.diag([2.0, 2, 2, 1]))
    findings = check_source(list_source(manifest), COARSE).findings
    assert any("Voxel sizes differ between subjects, from 1 x 1 x 1 to 2 x 2 x 2 mm" in one.text for one in findings)


def test_a_label_map_alone_is_told_to_be_one(tmp_path):
    findings = check_source(list_source(save(tmp_path / "map.nii.gz", brain(0)[2])), COARSE).findings
    assert any("petmr simulate" in finding.remedy for finding in findings)


def test_synthsegs_ids_are_explained_and_given_a_home():
    counts = {502: 3, 25: 10, 136: 1, 137: 2, 9711: 5}
    assert explain(counts) == (
        "25 (left lesion, 10 voxels); "
        "136, 137 (left choroid plexus in SynthSeg's training maps (FreeSurfer: caudate/putamen), 3 voxels); "
        "502 (tissue outside the brain in SynthSeg's training maps, 3 voxels); 9711 (5 voxels)"
    )
    assert suggest(counts).startswith("Fold 25 into 77; 136, 137 into 31 in a protocol table of your own, or let all")
    assert suggest({502: 1}) == "Let all of them become background: --unknown-labels background."


def test_findings_that_are_alike_are_shown_once():
    findings = [note("a", "x", "same"), Finding("error", "b", "y", "bad"), note("c", "z", "same")]
    assert [(one.severity, one.subject, one.file) for one in merged(findings)] == [
        ("error", "b", "y"),
        ("note", "a, c", ""),
    ]


def test_the_sheet_shows_every_subject_even_the_unreadable(tmp_path):
    snapshots = [Snapshot("a_$1", ("pet", "mr"), (plane(),) * 3), Snapshot("b", ("pet", "mr"), ())]
    draw_sheet(tmp_path / "sheet.png", snapshots)
    picture = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert picture.shape[1] == 2 * 3 * TILE
    assert picture[-TILE:, :TILE].max() > 100
    assert picture[-TILE:, 3 * TILE :].max() == 0


def plane() -> Plane:
    images = np.zeros((2, 20, 30), np.float16)
    images[0, 5:10, 20:25] = np.linspace(0.1, 0.5, 5)
    images[1, 2:18, 2:28] = 0.8
    return Plane(images, (images[1] > 0).astype(np.uint8), (1.0, 1.0))


def test_the_second_axis_points_up_and_outlines_are_green():
    picture = draw_plane(plane(), ("pet", "mr"))
    pixels = TILE / 30
    column, row = int((7.5 + 5) * pixels), int((30 - 21.5) * pixels)
    assert picture[row, column, 0] > picture[row, column, 2]  # PET is hot there, mirrored it is not
    mirrored = picture[int(21.5 * pixels), column]
    assert mirrored[0] == mirrored[2]
    red, green, _ = picture.reshape(-1, 3).T
    assert (green > red + 0.2).any()
