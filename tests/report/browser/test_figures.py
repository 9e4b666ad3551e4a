"""Figures on any screen."""

import re

import pytest
from builders.screens.browser import Page

pytestmark = pytest.mark.browser


def test_figures_say_what_is_to_be_seen_in_them(page: Page):
    assert page.run("return [...document.images].every(one => one.closest('dialog') || one.alt.length > 40)")
    alt = page.run("return document.querySelector('#test-figure-boxes img').alt")
    assert re.search(
        r"first: Cross fusion \(Tang 2025\) 0\.9\d\d, 3D U-Net \(Çiçek 2016\) 0\.\d{3}, V-Net .* 0\.\d{3}\.", alt
    )


def test_a_figure_opens_in_its_full_size_and_escape_closes_it(page: Page):
    page.screen(390)
    page.click("#test-figure-boxes [data-full]")
    page.wait_for("document.querySelector('#full').open && document.querySelector('#full img').complete")
    width = page.run("const one = document.querySelector('#full img'); return [one.width, one.naturalWidth]")
    assert width[0] == width[1] > 1000
    page.key("Escape")
    page.wait_for("!document.querySelector('#full').open")


@pytest.mark.parametrize("width", [390, 800, 1300])
def test_no_page_is_wider_than_its_screen(page: Page, width: int):
    page.screen(width)
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.run("return document.documentElement.scrollWidth") <= width


def test_figures_stay_readable_on_a_telephone(page: Page):
    page.screen(390)
    widths = page.run(
        "return [...document.querySelectorAll('figure img')].map(one => one.getBoundingClientRect().width)"
    )
    assert min(widths) >= 640  # 7 points of a figure 7.16 inches wide are 9 pixels then
