"""The failure gallery."""

import pytest
from builders.screens.browser import Page
from builders.screens.slice_browser import VIEWER

pytestmark = pytest.mark.browser


def test_every_network_has_its_failures_drawn(page: Page):
    page.wait_for("[...document.querySelectorAll('.failure')].every(one => one.dataset.drawn)")
    assert page.count(".of-network") == 3 and page.count(".failure") == 9
    colours = page.run(
        "return [...document.querySelectorAll('.failure canvas')].map(one => {"
        "const {data} = one.getContext('2d').getImageData(0, 0, one.width, one.height);"
        "return new Set(data).size })"
    )
    assert min(colours) > 10


def test_a_failure_opens_in_the_slice_browser_with_its_network_and_errors(page: Page):
    text = page.text(".of-network:nth-child(2) .failure span")
    network = page.text(".of-network:nth-child(2) h4")
    page.click(".of-network:nth-child(2) .failure")
    subject, structure, _ = text.split(" · ")
    title = f"{subject} · {structure} · {network} ·"
    page.wait_for(f"document.querySelector('{VIEWER} [data-title]').textContent.startsWith('{title}')")
    assert page.run("return document.activeElement.dataset.of") == "network"
    assert page.run(f"return document.querySelector('{VIEWER} [data-choose=show]').value") == "errors"
    assert structure in page.text(f"{VIEWER} [data-cross]")
