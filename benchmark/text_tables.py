"""Tables of texts as verbs hand them on: GitHub Markdown, records for JSON, and what of them fits a terminal."""

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

BORDER = 3
"""Characters that a column takes beside its texts: a line and two spaces."""

PIECES = re.compile(r"(?<=[\s_\-,])")
"""Where a heading may go on in the next line."""

WORDS = re.compile(r"[^\W\d_]{2,}[,;]?\s")
"""In a cell of words, which may go on in the next line; numbers with their units and deviations may not."""


@dataclass(frozen=True)
class Fitted:
    """A table as wide as a terminal shows it.

    Attributes:
        table: Its texts, whose headings hold line breaks.
        width: Characters that it takes, which are too many only where not even two columns fit.
        left_out: Headings of the columns that don't fit.
    """

    table: pd.DataFrame
    width: int
    left_out: tuple[str, ...] = ()


def fit(texts: pd.DataFrame, width: int) -> Fitted:
    """What of a table fits so many characters, without cutting a number.

    That is the table; or, where only so it fits, its rows as columns; or it without the last columns.
    """
    for whole in (texts, _turned(texts)):
        if _width(whole) <= width:
            return Fitted(_folded(whole), _width(whole))
    shown = len(texts.columns)
    while shown > min(2, len(texts.columns)) and _width(texts.iloc[:, :shown]) > width:
        shown -= 1
    rest = texts.iloc[:, :shown]
    return Fitted(_folded(rest), _width(rest), tuple(map(str, texts.columns[shown:])))


def is_words(column: "pd.Series[str]") -> bool:
    """Whether the cells of a column may be broken between words."""
    return any(WORDS.search(cell) for cell in column)


def markdown(texts: pd.DataFrame) -> str:
    """A table of texts, its first column to the left and the others to the right."""
    lines = [list(texts.columns), [":--", *["--:"] * (len(texts.columns) - 1)], *texts.to_numpy().tolist()]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain objects; what isn't known is None."""
    rows: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def _turned(texts: pd.DataFrame) -> pd.DataFrame:
    """Rows as columns: the names of the rows become headings, and the headings names."""
    names, rest = texts.iloc[:, 0], texts.iloc[:, 1:]
    turned = pd.DataFrame(rest.to_numpy().T, columns=list(names))
    turned.insert(0, texts.columns[0], list(rest.columns), allow_duplicates=True)
    return turned


def _width(texts: pd.DataFrame) -> int:
    columns = zip(texts.columns, _columns(texts), strict=True)
    return 1 + sum(BORDER + _column_width(str(heading), cells) for heading, cells in columns)


def _columns(texts: pd.DataFrame) -> list["pd.Series[str]"]:
    return [texts.iloc[:, place].astype(str) for place in range(texts.shape[1])]


def _column_width(heading: str, cells: "pd.Series[str]") -> int:
    """The least width at which nothing of a column is cut."""
    pieces = cells.str.split().explode().dropna() if is_words(cells) else cells
    return max(max(map(len, PIECES.split(heading))), *map(len, pieces), 1)


def _folded(texts: pd.DataFrame) -> pd.DataFrame:
    """The same table with headings in lines that are no longer than they must be."""
    columns = zip(texts.columns, _columns(texts), strict=True)
    headings = [_lines(str(heading), _column_width(str(heading), cells)) for heading, cells in columns]
    return texts.set_axis(headings, axis=1)


def _lines(heading: str, width: int) -> str:
    lines = [""]
    for piece in PIECES.split(heading):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip(" ") for line in lines)
