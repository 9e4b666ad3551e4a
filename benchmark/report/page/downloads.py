"""The files behind tables and figures, carried inside the page for its download buttons."""

from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

from benchmark.report.page.slice_browser import deflate
from benchmark.report.pictures import Picture
from benchmark.report.sheets.sheet import Sheet

FORMS = ("csv", "md", "tex")
MOST = 12_000_000
"""Bytes of numbers behind figures that the page carries of an experiment, 3.4 MB once deflated; it links to others."""


def carried(files: Iterable[Path]) -> dict[str, str]:
    """Each file, named below its experiment's folder, as deflated bytes in base64."""
    return {_name(file): deflate(file.read_bytes()) for file in dict.fromkeys(files)}


def smallest(files: Iterable[Path], most: int = MOST) -> list[Path]:
    """As many files as there are in `most` bytes, the smallest first."""
    ordered = sorted(set(files), key=lambda file: (file.stat().st_size, file))
    totals = accumulate(file.stat().st_size for file in ordered)
    return [file for file, total in zip(ordered, totals, strict=True) if total <= most]


def files_of(sheets: Iterable[Sheet], folder: Path) -> list[Path]:
    """The forms of some tables below an experiment's folder."""
    return [folder / "tables" / f"{sheet.name}.{form}" for sheet in sheets for form in FORMS]


def numbers_of(pictures: Iterable[Picture], folder: Path) -> list[Path]:
    """The tables that some figures are drawn from, below an experiment's folder."""
    return [folder / "numbers" / f"{name}.csv" for picture in pictures for name in picture.numbers]


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
