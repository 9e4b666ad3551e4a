"""Tables: sorted, scrolled, folded, saved and copied."""

import time
from pathlib import Path

import pytest
from builders.screens.browser import Page

pytestmark = pytest.mark.browser


def heading(table: str, text: str) -> str:
    """The button over a column."""
    return (
        f"[...document.querySelectorAll('#test-table-{table} thead button')].find(one => one.textContent === '{text}')"
    )


def column(page: Page, table: str, text: str) -> list[str]:
    return list(
        page.run(
            f"const head = {heading(table, text)}.closest('th').cellIndex;"
            f"return [...document.querySelectorAll('#test-table-{table} tbody tr')]"
            ".map(row => row.cells[head].dataset.value ?? row.cells[head].textContent)"
        )
    )


@pytest.mark.parametrize(
    ("table", "by", "lowest_first"),
    [
        ("overall", "Dice", False),
        ("overall", "HD (mm)", True),
        ("overall", "missed", True),
        ("intervals_dice", "mean rank", True),
        ("leader_dice", "p (Wilcoxon)", True),
        ("leader_dice", "p (Holm)", True),
        ("stability_dice", "V-Net (Milletari 2016)", True),
    ],
)
def test_the_first_click_on_a_heading_puts_the_best_on_top_and_another_turns_it_round(
    page: Page, table: str, by: str, lowest_first: bool
):
    for lowest in (lowest_first, not lowest_first):
        page.run(f"{heading(table, by)}.click()")
        values = list(map(float, column(page, table, by)))
        assert values == sorted(values, reverse=not lowest)
        said = page.run(f"return {heading(table, by)}.closest('th').ariaSort")
        assert said == ("ascending" if lowest else "descending")


def test_the_first_column_stays_in_sight_and_edges_cast_a_shadow_where_a_table_scrolls(page: Page):
    page.screen(390)
    scroller = "document.querySelector('#test-table-overall').closest('.scroll')"
    left = f"return {scroller}.querySelector('tbody th').getBoundingClientRect().left"
    before = page.run(left)
    assert page.run(f"return {scroller}.scrollWidth > {scroller}.clientWidth")
    page.run(f"{scroller}.scrollLeft = 200")
    assert page.run(left) == pytest.approx(before, abs=1)
    assert "scroll" in page.run(f"return getComputedStyle({scroller}).backgroundAttachment")
    page.wait_for(f"{scroller}.tabIndex === 0")


def test_every_table_fits_a_screen_of_1300(page: Page):
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    cut = page.run(
        "return [...document.querySelectorAll('.sheet .scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)"
        ".map(one => one.ariaLabel)"
    )
    assert cut == []


def test_disclosures_are_grouped_by_metric(page: Page):
    folds = page.run(
        "return [...document.querySelectorAll('#test-statistics > details')]"
        ".map(one => [one.querySelector('summary').textContent, one.querySelectorAll('table').length])"
    )
    metrics = ("Jaccard", "Sensitivity", "Precision", "HD (mm)")
    assert [fold for fold in folds if ";" not in fold[0]] == [["Dice", 3], *([metric, 4] for metric in metrics)]
    assert len(folds) == 6


@pytest.mark.parametrize(
    ("button", "name", "kept"),
    [
        ("[data-file='tables/overall.csv']", "test-overall.csv", "tables/overall.csv"),
        ("[data-file='tables/overall.md']", "test-overall.md", "tables/overall.md"),
        ("[data-file='tables/overall.tex']", "test-overall.tex", "tables/overall.tex"),
        ("#test-figure-boxes [data-file]", "test-subjects.csv", "numbers/subjects.csv"),
    ],
)
def test_the_files_behind_tables_and_figures_come_out_of_the_page_itself(
    page: Page, file: Path, tmp_path: Path, button: str, name: str, kept: str
):
    page.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.click(button)
    end = time.monotonic() + 20
    while not (tmp_path / name).is_file():
        assert time.monotonic() < end, list(tmp_path.iterdir())
        time.sleep(0.05)
    assert (tmp_path / name).read_bytes() == (file.parent / "test" / kept).read_bytes()


def test_latex_is_copied(page: Page, file: Path):
    page.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.run("window.copied = null; navigator.clipboard.writeText = async text => { window.copied = text; }")
    page.click("[data-copy='tables/overall.tex']")
    page.wait_for("window.copied")
    assert page.run("return window.copied") == (file.parent / "test/tables/overall.tex").read_text()
    assert page.text("#said") == "LaTeX copied."
