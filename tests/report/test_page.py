"""The parts of the page that need no browser."""

import base64
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.report.page.images import webp
from benchmark.report.page.provenance import Provenance, commit
from benchmark.report.page.sections import arrange
from benchmark.report.page.typography import tight
from benchmark.report.pictures import Picture
from benchmark.report.sheets.sheet import Sheet, numbers, whole


def sheet(title: str, rows: int = 3) -> Sheet:
    names = tuple(f"row {row}" for row in range(rows))
    return Sheet(title.lower(), title, "", "Network", names, (numbers("n", range(rows), whole),))


def test_a_figure_keeps_its_pixels_in_fewer_bytes(tmp_path: Path):
    draws = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    blocks = Image.fromarray(draws.repeat(36, axis=0).repeat(36, axis=1))  # voxels of a picture of 300 dpi
    blocks.save(tmp_path / "one.png")
    content = base64.b64decode(webp(tmp_path / "one.png"))
    with Image.open(BytesIO(content)) as shown:
        assert np.array_equal(np.asarray(shown), np.asarray(blocks))
    assert len(content) < (tmp_path / "one.png").stat().st_size


def picture(section: str) -> Picture:
    return Picture("one", section, "One", "A figure.", Path("one.png"), "")


def test_a_section_that_nobody_knows_still_has_a_place_after_the_known_ones():
    sections = arrange({"comparison": [sheet("Overall")], "new_idea": [sheet("Idea")]}, [picture("other")])
    assert [(one.name, one.title) for one in sections] == [
        ("comparison", "Comparison"),
        ("new_idea", "New idea"),
        ("other", "Other"),
    ]


def test_sheets_about_one_metric_fold_together_and_the_first_is_shown():
    sheets = [sheet("Dice: intervals"), sheet("Dice: tests"), sheet("HD: intervals"), sheet("HD: tests")]
    (section,) = arrange({"statistics": sheets}, [])
    assert [one.title for one in section.sheets] == ["Dice: intervals"]
    assert [(fold.title, len(fold.sheets)) for fold in section.folds] == [("Dice", 1), ("HD", 2)]


def test_one_sheet_of_each_metric_is_one_fold_and_a_long_sheet_is_folded():
    (section,) = arrange({"paper": [sheet("Dice: printed"), sheet("HD: printed"), sheet("Jaccard: printed")]}, [])
    assert [fold.title for fold in section.folds] == ["HD, Jaccard"]
    (section,) = arrange({"structures": [sheet("Structures", rows=44)]}, [])
    assert section.sheets == () and [fold.title for fold in section.folds] == ["Structures"]


def test_figures_tell_what_further_tables_hold_but_in_the_comparison_all_are_shown():
    sheets = [sheet("Overall"), sheet("Further"), sheet("Pooled")]
    comparison, training = arrange({"comparison": sheets, "training": sheets}, [])
    assert len(comparison.sheets) == 3 and comparison.folds == ()
    assert [one.title for one in training.sheets] == ["Overall"]
    assert [(fold.title, len(fold.sheets)) for fold in training.folds] == [("Further; Pooled", 2)]


@pytest.mark.parametrize(
    ("loose", "held"),
    [
        ("the 95 % interval", "the 95~% interval"),
        ("p = 0.891, n = 8 subjects", "p~=~0.891, n~=~8~subjects"),
        ("0.52 ± 0.01 mm", "0.52~±~0.01~mm"),
        ("p < 0.001 of 5 metrics", "p~<~0.001 of 5 metrics"),
    ],
)
def test_lines_do_not_break_between_a_number_and_its_unit(loose: str, held: str):
    assert tight(loose) == held.replace("~", "\N{NO-BREAK SPACE}")


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def test_the_commit_of_the_code_is_told_and_whether_it_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path).startswith("version ")
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    assert len(commit(tmp_path)) == 12
    (tmp_path / "code.py").write_text("2")
    assert commit(tmp_path).endswith(", with changes")


def test_a_page_names_its_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["/usr/bin/petmr", "report", "my runs"])
    assert Provenance.now().command == "petmr report 'my runs'"
