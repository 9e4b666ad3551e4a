"""The report's page in a real browser, opened from disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.browser import Page, available, chromium
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.runs import cases_on, write_predictions, write_runs

from benchmark.report.write import report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not available(), reason="needs Debian's chromium and chromium-driver"),
]
NAMES = "[...document.querySelectorAll('#test-table-overall tbody tr')].map(row => row.cells[0].textContent)"
PIXELS = """
const canvas = document.querySelector(`canvas[data-of=${arguments[0]}][data-view=axial]`);
return canvas.toDataURL();
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    cohort = make_cohort(folder, subjects=4)
    cases = cases_of(4, ("vnet", "cross_fusion", "unet3d"), skill={"cross_fusion": 0.9, "vnet": 0.5})
    write_runs(folder / "runs", cases_on(cohort, cases, folds=2), cohort.path)
    write_predictions(folder / "runs", cohort, list(cohort.subjects))
    return report([folder / "runs"], folder / "report").page


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        yield page


@pytest.fixture
def page(browser: Page, file: Path) -> Page:
    browser.open(file)
    browser.wait_for("document.querySelector('.viewer').dataset.ready")
    return browser


def choose(page: Page, control: str, value: str) -> None:
    page.run(
        "const one = document.querySelector(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event('input'))",
        control,
        value,
    )


def shown(page: Page, of: str = "network") -> str:
    return str(page.run(PIXELS, of))


def test_the_page_logs_no_error(page: Page):
    assert page.console() == []


def test_a_click_on_a_heading_sorts_by_it_and_another_one_turns_it_round(page: Page):
    dice = "document.querySelector('#test-table-overall th:nth-child(2) button').click()"
    page.run(dice)
    assert page.run(f"return {NAMES}") == ["cross_fusion", "unet3d", "vnet"]
    page.run(dice)
    assert page.run(f"return {NAMES}") == ["vnet", "unet3d", "cross_fusion"]
    assert page.run("return document.querySelector('#test-table-overall th:nth-child(2)').ariaSort") == "ascending"


def test_a_slider_leafs_through_slices(page: Page):
    before = shown(page)
    choose(page, "[data-slice=axial]", "2")
    assert shown(page) != before


def test_a_click_moves_the_cross_and_names_the_structures_there(page: Page):
    assert "truth: Thalamus" in page.run("return document.querySelector('.viewer output').textContent")
    page.run(
        "const one = document.querySelector('canvas[data-view=axial]'), box = one.getBoundingClientRect();"
        "one.dispatchEvent(new MouseEvent('click', {clientX: box.left + 2, clientY: box.top + 2}))"
    )
    assert "truth: background" in page.run("return document.querySelector('.viewer output').textContent")


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("[data-choose=network]", "vnet"),
        ("[data-choose=image]", "pet"),
        ("[data-opacity]", "0"),
        ("[data-choose=show]", "disagreement"),
    ],
)
def test_every_control_changes_the_picture(page: Page, control: str, value: str):
    before = shown(page)
    choose(page, control, value)
    page.wait_for(f"(() => {{ {PIXELS.replace('${arguments[0]}', 'network')} }})() !== {before!r}")


def test_another_subject_is_shown_whole(page: Page):
    before = shown(page, "truth")
    choose(page, "[data-choose=subject]", "1")
    page.wait_for(f"(() => {{ {PIXELS.replace('${arguments[0]}', 'truth')} }})() !== {before!r}")
    assert page.console() == []
