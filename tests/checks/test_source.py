import json
from dataclasses import replace

import numpy as np
import pytest
from builders.cohorts import COARSE, LIA, brain, make_cohort, save, write_source
from matplotlib.axes import Axes
from PIL import Image

from benchmark.figures.pictures.contact_sheet import CAPTION, TILE, draw_plane, draw_sheet, sheet_of
from benchmark.verbs.tables.findings import of_one_kind, show_findings
from datamodules.checks.snapshot import Plane, Snapshot
from datamodules.checks.source import check_source
from datamodules.cohort.prepare import prepare
from datamodules.cohort.verify import check_cohort
from datamodules.findings import FaultyDataError, error, errors, note
from datamodules.labels.protocol import load_protocol
from datamodules.labels.unusual_labels import explain, suggest
from datamodules.sources.find import find_subjects, list_source


def test_a_sound_source_has_no_error_and_nothing_is_changed(tmp_path):
    manifest = write_source(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    seen: list[Snapshot] = []
    assert not errors(check_source(list_source(manifest), COARSE, look=seen.append))
    assert [snapshot.subject for snapshot in seen] == ["s0", "s1", "s2", "s3"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_processes_make_no_difference_to_what_is_found(tmp_path):
    manifest = write_source(tmp_path)
    save(tmp_path / "s2/pet.nii.gz", np.zeros((24, 24, 24)))
    one, two = (check_source(list_source(manifest), COARSE, processes=number) for number in (1, 2))
    assert one == two
    assert one[0].text.startswith("The image is empty")


def test_a_sound_cohort_has_no_error_until_a_source_goes(tmp_path):
    cohort = make_cohort(tmp_path, subjects=3)
    assert not errors(check_cohort(cohort))
    (tmp_path / "source/s1/mr.nii.gz").unlink()
    found = set(check_cohort(cohort)) - set(cohort.all_findings)
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


def test_differing_voxel_sizes_are_refused_unless_all_are_stored_alike(tmp_path):
    manifest = write_source(tmp_path, 3)
    for kind, volume in zip(("pet", "mr", "label"), brain(1), strict=True):
        save(tmp_path / f"s1/{kind}.nii.gz", volume, np.diag([2.0, 2, 2, 1]))
    (finding,) = errors(check_source(list_source(manifest), COARSE))
    assert "Voxel sizes differ between subjects, from 1 x 1 x 1 to 2 x 2 x 2 mm" in finding.text
    assert finding.remedy == "Store all on one grid: --spacing 1."
    with pytest.raises(FaultyDataError, match="Voxel sizes differ"):
        prepare(find_subjects(manifest), tmp_path / "cohort", COARSE)
    assert not errors(check_source(list_source(manifest), replace(COARSE, spacing=(1.0, 1.0, 1.0))))


def test_a_label_map_alone_is_told_to_be_one(tmp_path):
    findings = check_source(list_source(save(tmp_path / "map.nii.gz", brain(0)[2])), COARSE)
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


def test_more_than_a_few_strange_ids_are_another_labelling_scheme():
    counts = dict.fromkeys(range(5000, 5119), 10)
    assert explain(counts) == "5000, 5001, 5002, 5003 and 115 more. It follows another labelling scheme"
    assert suggest(counts).startswith("Make a protocol of its list of labels: petmr protocol LIST.txt mine.tsv;")
    assert explain(dict.fromkeys(range(1001, 1036), 10)) == (
        "1001, 1002, 1003, 1004 and 31 more (left cortical parcels, 350 voxels)"
    )


def test_findings_of_one_kind_are_one_row_with_their_count_and_a_file(capsys):
    findings = [note(f"s{k}", f"/data/s{k}.nii", "resampled", f"Lies {k} mm away.", "Look.") for k in range(200)]
    findings.insert(7, error("bad", "/data/bad.nii", "unreadable", "Can't be read."))
    assert [len(group) for group in of_one_kind(findings)] == [1, 200]
    show_findings(findings, "/data")
    said = capsys.readouterr().out
    assert said.count("Lies") == 1
    for text in (
        "bad.nii",
        "200: s0, s1, s2 and",
        "197 more",
        "s0.nii",
        "(and 199 more)",
        "A row a kind, 201 findings in all",
    ):
        assert text in said
    show_findings(findings, "/data", every=True)
    assert capsys.readouterr().out.count("Lies") == 200


COARSE9 = load_protocol("coarse9")


def test_the_sheet_shows_every_subject_even_the_unreadable(tmp_path):
    snapshots = [Snapshot("a_$1", ("pet", "mr"), (plane(),) * 3), Snapshot("b", ("pet", "mr"), ())]
    draw_sheet(tmp_path / "sheet.png", snapshots, COARSE9)
    picture = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert picture.shape == (2 * (TILE + CAPTION), 3 * TILE, 3)
    assert picture[CAPTION : CAPTION + TILE, :TILE].max() > 100
    assert picture[-TILE:].max() == 0


def test_the_sheet_has_pages_of_at_most_twelve_subjects(tmp_path):
    with sheet_of(tmp_path / "sheet.png", COARSE9) as look:
        for number in range(14):
            look(Snapshot(f"s{number}", ("mr",), ()))
    pages = {path.name: Image.open(path).size for path in tmp_path.iterdir()}
    assert pages == {
        "sheet.png": (6 * TILE, 6 * (TILE + CAPTION)),
        "sheet-2.png": (3 * TILE, 2 * (TILE + CAPTION)),
    }


def test_the_sheet_marks_left_and_right_and_names_the_stored_window(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(Axes, "text", lambda axes, x, y, text, **settings: said.append((x, text)))
    draw_sheet(tmp_path / "sheet.png", [Snapshot("s", ("pet", "mr"), (plane(),) * 3)], COARSE9)
    marks = [text for _, text in sorted(said) if len(text) == 1]
    assert marks == ["P", "A", "L", "R", "L", "R"]
    assert "s   pet 0 to 0.5, mr 0 to 0.8" in [text for _, text in said]


def plane() -> Plane:
    images = np.zeros((2, 20, 30), np.float16)
    images[0, 5:10, 20:25] = np.linspace(0.1, 0.5, 5)
    images[1, 2:18, 2:28] = 0.8
    return Plane(images, 2 * (images[1] > 0).astype(np.uint8), (1.0, 1.0))


def test_the_second_axis_points_up_and_outlines_have_the_colour_of_the_structure():
    picture = draw_plane(plane(), {"pet": 0.5, "mr": 0.8}, COARSE9)
    pixels = TILE / 30
    column, row = int((7.5 + 5) * pixels), int((30 - 21.5) * pixels)
    assert picture[row, column, 0] > picture[row, column, 2]  # PET is hot there, mirrored it is not
    mirrored = picture[int(21.5 * pixels), column]
    assert mirrored[0] == mirrored[2]
    outline = 0.15 + 0.85 * np.array(COARSE9.structures[2].colour) / 255  # over white MR
    assert np.abs(picture[:, int(15 * pixels)] - outline).max(axis=1).min() < 0.05
