"""The page for everyone: in the dark, without motion, on paper, without eyes or mouse."""

import re

import pytest
from builders.screens.browser import AXE, Page

pytestmark = pytest.mark.browser


def test_the_dark_are_given_a_dark_page(page: Page):
    page.media(scheme="dark")
    red, *_ = re.findall(r"\d+", page.run("return getComputedStyle(document.body).backgroundColor"))
    assert int(red) < 60


def test_those_who_want_no_motion_get_none(page: Page):
    scrolling = "return getComputedStyle(document.documentElement).scrollBehavior"
    assert page.run(scrolling) == "smooth"
    page.media(motion="reduce")
    assert page.run(scrolling) == "auto"


def test_in_print_no_table_is_cut_and_nothing_is_left_of_what_is_folded(page: Page):
    page.screen(690)  # what is left of A4 between its margins
    page.media("print")
    cut = page.run(
        "return [...document.querySelectorAll('.scroll')].filter(one => one.checkVisibility())"
        ".filter(one => one.scrollWidth > one.clientWidth + 1 || getComputedStyle(one).overflowX !== 'visible')"
        ".map(one => one.ariaLabel)"
    )
    assert cut == []
    assert page.run("return [...document.querySelectorAll('details:not([open])')].every(one => !one.checkVisibility())")
    assert page.run(
        "return [...document.querySelectorAll('h2, h3')].every(one => getComputedStyle(one).breakAfter === 'avoid')"
    )


def test_the_printed_report_is_a_dozen_pages(page: Page):
    page.wait_for("[...document.querySelectorAll('.failure')].every(one => one.dataset.drawn)")
    assert 3 < len(re.findall(rb"/Type\s*/Page\b", page.printed())) <= 12


@pytest.mark.skipif(not AXE.is_file(), reason=f"needs {AXE}, which `make test-browser` installs where there is npm")
@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (1300, "dark"), (390, "light"), (390, "dark")])
def test_axe_finds_no_serious_fault_of_accessibility(page: Page, width: int, scheme: str):
    page.screen(width)
    page.media(scheme=scheme)
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.run("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.faults() == []
