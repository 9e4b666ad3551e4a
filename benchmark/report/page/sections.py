"""Where tables and figures stand on the page: by the section that each names, so that new ones place themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.report.pictures import Picture
from benchmark.report.sheets.sheet import Sheet

SECTIONS = {
    "comparison": "Comparison",
    "statistics": "What can be believed",
    "paper": "Beside the paper",
    "structures": "Structures",
    "agreement": "Volume and uptake",
    "pictures": "Pictures",
    "training": "Training and cost",
}
"""In the order of the page; sections that aren't named here follow under their own names."""

LONG = 20
"""Rows of a table above which it is folded."""

OPEN = ("comparison",)
"""Sections that show all their short tables; others show the first, as figures tell the rest."""


@dataclass(frozen=True)
class Fold:
    """Sheets that unfold together."""

    title: str
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: For links.
        title: Above it, and in the contents.
        sheets: Shown: the first one above the figures, the others below.
        pictures: Figures.
        folds: Of further sheets, by what their titles begin with.
    """

    name: str
    title: str
    sheets: tuple[Sheet, ...]
    pictures: tuple[Picture, ...]
    folds: tuple[Fold, ...]


def arrange(sheets: Mapping[str, Sequence[Sheet]], pictures: Sequence[Picture]) -> tuple[Section, ...]:
    """All sections that hold anything."""
    drawn = {picture.section for picture in pictures}
    names = dict.fromkeys((*SECTIONS, *sheets, *sorted(drawn)))
    return tuple(
        _section(name, sheets.get(name, ()), [one for one in pictures if one.section == name])
        for name in names
        if name in drawn or sheets.get(name)
    )


def _section(name: str, sheets: Sequence[Sheet], pictures: Sequence[Picture]) -> Section:
    first = sheets if name in OPEN else sheets[:1]
    shown = [sheet for sheet in first if len(sheet.rows) <= LONG]
    folded = [sheet for sheet in sheets if sheet not in shown]
    title = SECTIONS.get(name, name.replace("_", " ").capitalize())
    return Section(name, title, tuple(shown), tuple(pictures), folds(folded))


def topic(sheet: Sheet) -> str:
    """What a title is about: "Dice" of "Dice: pairwise tests"; nothing without a colon."""
    before, colon, _ = sheet.title.partition(": ")
    return before if colon else ""


def folds(sheets: Sequence[Sheet]) -> tuple[Fold, ...]:
    """Sheets by topic; those without one share a fold, and so do topics of one sheet each."""
    by_topic: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        by_topic.setdefault(topic(sheet), []).append(sheet)
    if len(by_topic) > 1 and "" not in by_topic and all(len(own) == 1 for own in by_topic.values()):
        return (Fold(", ".join(by_topic), tuple(sheets)),)
    return tuple(Fold(name or "; ".join(sheet.title for sheet in own), tuple(own)) for name, own in by_topic.items())
