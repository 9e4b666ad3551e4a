"""A table as it is printed: texts, the numbers behind them, and which are best. `latex.py` sets it for a journal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from benchmark import text_tables

Better = Literal["higher", "lower", "neither"]
First = Literal["highest", "lowest"]
BEST: dict[Better, First] = {"higher": "highest", "lower": "lowest"}
Write = Callable[[float], str]
MARKS = {1: "best", 2: "second"}


@dataclass(frozen=True)
class Column:
    """A column of numbers, set for print.

    Attributes:
        heading: With its unit.
        values: What is compared and sorted by, one a row.
        texts: What is printed.
        better: Which values are.
        first: Which a reader wants on top; the better ones, where any are.
    """

    heading: str
    values: tuple[float, ...]
    texts: tuple[str, ...]
    better: Better = "neither"
    first: First = "highest"

    @property
    def on_top(self) -> First:
        """Which values sorting puts on top at first."""
        return self.first if self.better == "neither" else BEST[self.better]


@dataclass(frozen=True)
class Sheet:
    """A table for print.

    Attributes:
        name: Of its files.
        title: Above it.
        note: Below it: over what it averages, and what it lacks.
        corner: Heading of the row names.
        rows: What each is: a variant, a structure, ...
        columns: In order.
        shown: Name for print of rows and of column headings, where it is another one.
        unranked: Variants that are never marked best, since they are over other runs than the rest.
        remark: What is missing, as a sentence.
        best_of: Whether marks compare the rows of each column, or the columns of each row.
    """

    name: str
    title: str
    note: str
    corner: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    shown: Mapping[str, str] = field(default_factory=dict)
    unranked: frozenset[str] = frozenset()
    remark: str = ""
    best_of: Literal["column", "row"] = "column"

    def marks(self) -> list[tuple[str, ...]]:
        """For every column and row "best", "second" or nothing; equal texts are equal."""
        if self.best_of == "column":
            ranked = [row not in self.unranked for row in self.rows]
            return [mark(column.values, column.texts, column.better, ranked) for column in self.columns]
        ranked = [column.better != "neither" and column.heading not in self.unranked for column in self.columns]
        better: Better = next((column.better for column in self.columns if column.better != "neither"), "neither")
        values, texts = (
            zip(*(getattr(column, name) for column in self.columns), strict=True) for name in ("values", "texts")
        )
        by_row = [mark(row, words, better, ranked) for row, words in zip(values, texts, strict=True)]
        return list(zip(*by_row, strict=True))

    def names(self) -> tuple[str, ...]:
        """Row names, with a dagger on those that are incomplete."""
        return tuple(map(self._called, self.rows))

    def headings(self) -> tuple[str, ...]:
        """Column headings, with a dagger on those that are incomplete."""
        return tuple(self._called(column.heading) for column in self.columns)

    def _called(self, name: str) -> str:
        return self.shown.get(name, name) + (" †" if name in self.unranked else "")


def mark(values: Sequence[float], texts: Sequence[str], better: Better, ranked: Sequence[bool]) -> tuple[str, ...]:
    """Which of some numbers is best and which second, among those that are ranked; equal texts are equal."""
    if better == "neither":
        return ("",) * len(values)
    eligible = pd.Series(values, dtype=float).where(np.array(ranked))
    printed = eligible.groupby(pd.Series(texts).str.split(" ").str[0]).transform("max")
    places = printed.rank(method="dense", ascending=better == "lower")
    return tuple(MARKS.get(int(place), "") if np.isfinite(place) else "" for place in places)


def means(heading: str, mean: Iterable[float], std: Iterable[float], digits: int, better: Better) -> Column:
    """A column of `mean ± standard deviation`."""
    write = decimals(digits)
    texts = (f"{write(m)} ± {write(s)}" if np.isfinite(s) else write(m) for m, s in zip(mean, std, strict=True))
    return Column(heading, tuple(map(float, mean)), tuple(texts), better)


def numbers(
    heading: str, values: Iterable[float], write: Write, better: Better = "neither", first: First = "highest"
) -> Column:
    """A column of plain numbers."""
    return Column(heading, tuple(map(float, values)), tuple(map(write, values)), better, first)


def decimals(digits: int) -> Write:
    """Write with so many digits after the point, and no sign before a zero; a dash for what is not known."""
    return lambda value: f"{_rounded(value, digits):.{digits}f}".replace("-", "−") if np.isfinite(value) else "–"


def signed(digits: int) -> Write:
    """As `decimals`, with a sign before all but zero."""

    def write(value: float) -> str:
        text = decimals(digits)(value)
        return f"+{text}" if np.isfinite(value) and _rounded(value, digits) > 0 else text

    return write


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0  # which makes 0 of -0


def whole(value: float) -> str:
    """Write a count."""
    return f"{value:.0f}" if np.isfinite(value) else "–"


def probability(value: float) -> str:
    """Write a p-value."""
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def equation(value: float) -> str:
    """Write a p-value with its relation, to follow a "p"."""
    text = probability(value)
    return text if text.startswith("<") else f"= {text}"


def marked(sheet: Sheet, best: str, second: str) -> pd.DataFrame:
    """The texts as a table of unique columns, the best and second in patterns such as `**{}**`."""
    patterns = {"best": best, "second": second, "": "{}"}
    columns = {
        heading: [patterns[mark].format(text) for text, mark in zip(column.texts, marks, strict=True)]
        for heading, column, marks in zip(sheet.headings(), sheet.columns, sheet.marks(), strict=True)
    }
    return pd.DataFrame({sheet.corner: sheet.names(), **columns})


def _as_text(name: str) -> str:
    return name.replace("|", r"\|").replace("<", r"\<")


def markdown(sheet: Sheet) -> str:
    """GitHub Markdown: best bold, second underlined; names are text, whatever is in them."""
    texts = marked(sheet, "**{}**", "<u>{}</u>")
    texts = texts.assign(**{sheet.corner: texts[sheet.corner].map(_as_text)}).rename(columns=_as_text)
    table = text_tables.markdown(texts).rstrip()
    return "\n\n".join(filter(None, (f"**{sheet.title}**", table, sheet.note, sheet.remark))) + "\n"
