"""The slice browser."""

import re

import pytest
from builders.screens.browser import Page
from builders.screens.slice_browser import VIEWER, choose, shown, wait_for_change

pytestmark = pytest.mark.browser


def test_sides_are_marked_and_slices_numbered_in_millimetres(page: Page):
    marks = (
        f"return [...document.querySelectorAll('{VIEWER} .view:has([data-view=%s]) .edge')].map(one => one.textContent)"
    )
    assert page.run(marks % "axial")[:4] == ["L", "R", "A", "P"]
    assert page.run(marks % "sagittal")[:4] == ["P", "A", "S", "I"]
    assert re.fullmatch(r"axial \d+ of \d+ · z [+−]\d+\.\d mm", page.text(f"{VIEWER} [data-place=axial]"))


def test_the_title_names_subject_network_and_dice(page: Page):
    assert re.fullmatch(r"s\d · Cross fusion \(Tang 2025\) · Dice \.\d\d", page.text(f"{VIEWER} [data-title]"))
    choose(page, "[data-choose=network]", "vnet")
    page.wait_for(f"document.querySelector('{VIEWER} [data-title]').textContent.includes('V-Net')")
    options = page.run(
        f"return [...document.querySelector('{VIEWER} [data-choose=scene]').options].map(one => one.text)"
    )
    assert re.fullmatch(r"s\d · Dice \.\d\d", options[0])
    assert any(re.fullmatch(r"s\d · \w[\w ]+ · V-Net \(Milletari 2016\) · Dice \.\d\d", option) for option in options)


def test_the_key_names_the_structures_that_are_shown_with_their_dice(page: Page):
    assert re.search(r"Cortex \.\d\d", page.text(f"{VIEWER} .key"))


def test_a_slider_leafs_through_slices(page: Page):
    before = shown(page)
    choose(page, "[data-slice=axial]", "2")
    assert shown(page) != before


def test_a_click_moves_the_cross_and_names_the_structures_there(page: Page):
    assert "truth: Thalamus" in page.text(f"{VIEWER} [data-cross]")
    page.place(f"{VIEWER} canvas[data-view=axial]")
    corner = page.run(
        f"const box = document.querySelector('{VIEWER} canvas[data-view=axial]').getBoundingClientRect();"
        "return [box.left + 2, box.top + 2]"
    )
    for kind in ("mousePressed", "mouseReleased"):
        page.mouse(kind, *corner, button="left", clickCount=1)
    page.wait_for(f"document.querySelector('{VIEWER} [data-cross]').textContent.includes('truth: background')")


def test_pointing_at_a_voxel_names_what_is_there(page: Page):
    assert page.run(f"return document.querySelector('{VIEWER} .tip').hidden")
    page.mouse("mouseMoved", *page.place(f"{VIEWER} canvas[data-view=axial]"))
    page.wait_for(f"!document.querySelector('{VIEWER} .tip').hidden")
    assert "truth: Thalamus" in page.text(f"{VIEWER} .tip")


def test_the_wheel_scrolls_the_page_until_a_picture_is_focused_and_then_leafs_through_slices(page: Page):
    canvas = f"{VIEWER} canvas[data-view=axial]"
    place, number = page.place(canvas), page.text(f"{VIEWER} [data-place=axial]")
    top = page.run("return scrollY")
    page.mouse("mouseWheel", *place, deltaX=0, deltaY=60)
    page.wait_for(f"scrollY > {top}")
    assert page.text(f"{VIEWER} [data-place=axial]") == number
    page.click(canvas)
    place, top = page.place(canvas), page.run("return scrollY")
    page.mouse("mouseWheel", *place, deltaX=0, deltaY=60)
    page.wait_for(f"document.querySelector('{VIEWER} [data-place=axial]').textContent !== {number!r}")
    assert page.run("return scrollY") == top


def test_the_keyboard_moves_the_cross_and_leafs_through_slices(page: Page):
    page.click(f"{VIEWER} canvas[data-view=axial]")
    places = f"return [...document.querySelectorAll('{VIEWER} [data-slice]')].map(one => Number(one.value))"
    axial, coronal, sagittal = page.run(places)
    for key in ("PageUp", "ArrowRight", "ArrowDown"):
        page.key(key)
    assert page.run(places) == [axial + 1, coronal - 1, sagittal + 1]


def test_what_is_missed_and_what_is_false_differ_in_colour(page: Page):
    choose(page, "[data-opacity]", "100")
    choose(page, "[data-choose=show]", "errors")
    page.wait_for(f"document.querySelector('{VIEWER} .key').textContent.includes('missed')")
    colours = page.run(
        f"const canvas = document.querySelector('{VIEWER} canvas[data-of=network][data-view=axial]');"
        "const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), seen = new Set();"
        "for (let at = 0; at < data.length; at += 4) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);"
        "return [...seen]"
    )
    assert {"86,180,233", "230,159,0"} <= set(colours)


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("[data-choose=network]", "vnet"),
        ("[data-choose=image]", "pet"),
        ("[data-opacity]", "0"),
        ("[data-choose=show]", "errors"),
    ],
)
def test_every_control_changes_the_picture(page: Page, control: str, value: str):
    before = shown(page)
    choose(page, control, value)
    wait_for_change(page, before)


def test_another_subject_is_shown_whole(page: Page):
    before = shown(page, "truth")
    choose(page, "[data-choose=scene]", "1")
    wait_for_change(page, before, "truth")


def test_three_views_share_a_telephone_s_width(page: Page):
    page.screen(390)
    widths = page.run(f"return [...document.querySelectorAll('{VIEWER} canvas')].map(one => one.clientWidth)")
    assert len(widths) == 6 and min(widths) > 95
