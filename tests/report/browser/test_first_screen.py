"""What a reader sees before scrolling."""

import pytest
from builders.screens.browser import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("part", [".verdict h2", ".verdict dl", ".margins", ".badge", ".card:not(.badge)"])
def test_verdict_data_and_cost_stand_in_the_first_800_pixels(page: Page, part: str):
    assert page.run("return document.querySelector(arguments[0]).getBoundingClientRect().bottom", part) < 800


def test_the_badge_says_what_the_data_are_and_what_they_can_not_say(page: Page):
    badge = page.text(".badge")
    assert "not known if simulated" in badge and "4 tested of 4" in badge and "2 folds, 1 seed" in badge
    assert "10 steps" in badge and "no statement about the networks" in badge


def test_contents_name_the_headings_that_they_lead_to(page: Page):
    links = page.run("return [...document.querySelectorAll('nav a')].map(one => [one.textContent, one.hash.slice(1)])")
    for text, anchor in links[1:]:
        assert page.text(f"[id='{anchor}'] h2") == text
