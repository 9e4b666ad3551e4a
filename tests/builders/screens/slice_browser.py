"""The slice browser of the page of an experiment "test", as a hand uses it."""

import time

from builders.screens.browser import Page

VIEWER = "#test-browser"


def choose(page: Page, control: str, value: str) -> None:
    page.run(
        "const one = document.querySelector(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event('input'))",
        f"{VIEWER} {control}",
        value,
    )


def shown(page: Page, of: str = "network") -> str:
    """The axial picture of the truth or the network."""
    canvas = f"{VIEWER} canvas[data-of={of}][data-view=axial]"
    return str(page.run("return document.querySelector(arguments[0]).toDataURL()", canvas))


def wait_for_change(page: Page, before: str, of: str = "network") -> None:
    end = time.monotonic() + 20
    while shown(page, of) == before:
        assert time.monotonic() < end, "the picture stays as it was"
        time.sleep(0.05)
