"""Sheets as LaTeX with booktabs that fit a two-column page of IEEE's, however many networks and structures they hold.

The width of a table is estimated from its texts; the first of `LAYOUTS` that it fits is taken. What fits none is set as
several tables, and so is what is longer than a page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from benchmark.report.sheets.sheet import Sheet

COLUMN_PT, PAGE_PT = 252.0, 516.0
"""Widths of one column and of both, in IEEEtran."""
ROWS = 50
"""Below one another on a page, beside a caption and turned headings."""
WIDE, NARROW = "MWmw@%—", "fijlrtI.,:;'|()[]/ -"
WIDTHS = {**dict.fromkeys(WIDE, 0.9), **dict.fromkeys(NARROW, 0.34)}
"""Of characters in em of Times, rounded up; capitals are 0.73, all others 0.52."""
RULED = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}


@dataclass(frozen=True)
class Cells:
    """What is set: texts and marks of some columns and rows of a sheet."""

    corner: str
    names: tuple[str, ...]
    headings: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    marks: tuple[tuple[str, ...], ...]

    def rows(self, chosen: slice) -> "Cells":
        """Some of the rows."""
        texts, marks = (tuple(column[chosen] for column in table) for table in (self.texts, self.marks))
        return replace(self, names=self.names[chosen], texts=texts, marks=marks)

    def columns(self, chosen: slice) -> "Cells":
        """Some of the columns."""
        return replace(self, headings=self.headings[chosen], texts=self.texts[chosen], marks=self.marks[chosen])


@dataclass(frozen=True)
class Layout:
    """How a table is set: its environment, type, space between columns, and whether wide headings turn."""

    environment: str
    width_pt: float
    size: str
    size_pt: float
    space_pt: float
    turned: bool

    def holds(self, cells: Cells) -> bool:
        """Whether a table is as narrow, by the estimated width of its texts."""
        columns = [(cells.corner, *cells.names)]
        columns += [
            texts if self.turned else (heading, *texts)
            for heading, texts in zip(cells.headings, cells.texts, strict=True)
        ]
        widths = (max(2.0, *map(ems, texts)) * self.size_pt + 2 * self.space_pt for texts in columns)
        return sum(widths) <= self.width_pt


LAYOUTS = (
    Layout("table", COLUMN_PT, "footnotesize", 8.0, 5.0, turned=False),
    Layout("table", COLUMN_PT, "footnotesize", 8.0, 4.0, turned=True),
    Layout("table*", PAGE_PT, "footnotesize", 8.0, 5.0, turned=False),
    Layout("table*", PAGE_PT, "footnotesize", 8.0, 4.0, turned=True),
    Layout("table*", PAGE_PT, "scriptsize", 7.0, 2.5, turned=True),
)


def latex(sheet: Sheet, experiment: str) -> str:
    """LaTeX: best bold, second underlined; needs the packages booktabs and graphicx."""
    texts = tuple(column.texts for column in sheet.columns)
    cells = Cells(sheet.corner, sheet.names(), sheet.headings(), texts, tuple(sheet.marks()))
    tables = [
        _table(sheet, layout, part, f"{experiment}-{sheet.name}", number)
        for number, (part, layout) in enumerate(_parts(cells))
    ]
    return "% \\usepackage{booktabs, graphicx}\n" + "\n".join(tables)


def ems(text: str) -> float:
    """Estimated width of a text, in em."""
    return sum(WIDTHS.get(sign, 0.73 if sign.isupper() else 0.52) for sign in text)


def _parts(cells: Cells) -> Iterator[tuple[Cells, Layout]]:
    """Parts that fit a page, each with its layout."""
    rows, count = len(cells.names), max(1, ceil(len(cells.names) / ROWS))
    for number in range(count):
        yield from _beside(cells.rows(slice(number * rows // count, (number + 1) * rows // count)))


def _beside(cells: Cells) -> Iterator[tuple[Cells, Layout]]:
    """All columns, or as many parts as they need to fit the width."""
    layout = next((layout for layout in LAYOUTS if layout.holds(cells)), None)
    if layout or len(cells.headings) < 2:
        yield cells, layout or LAYOUTS[-1]
        return
    half = ceil(len(cells.headings) / 2)
    for columns in (slice(half), slice(half, None)):
        yield from _beside(cells.columns(columns))


def _table(sheet: Sheet, layout: Layout, cells: Cells, label: str, number: int) -> str:
    note = " ".join(filter(None, (sheet.note, sheet.remark)))
    caption = f"{sheet.title}. {note}".strip() if number == 0 else f"{sheet.title}, continued."
    lines = (
        rf"\begin{{{layout.environment}}}[tbp]",
        r"\centering",
        rf"\caption{{{_escape(caption, breaks=True)}}}",
        rf"\label{{tab:{label}{f'-{number + 1}' if number else ''}}}",
        rf"\{layout.size}",
        rf"\setlength{{\tabcolsep}}{{{layout.space_pt:g}pt}}",
        rf"\begin{{tabular}}{{l{'r' * len(cells.headings)}}}",
        r"\toprule",
        *_lines(cells, turned=layout.turned),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{layout.environment}}}",
    )
    return "\n".join(lines) + "\n"


def _lines(cells: Cells, *, turned: bool) -> list[str]:
    headings = [_escape(cells.corner)]
    for heading, texts in zip(cells.headings, cells.texts, strict=True):
        wide = turned and ems(heading) > max(map(ems, texts))
        headings.append(rf"\rotatebox{{90}}{{{_escape(heading)}}}" if wide else _escape(heading))
    rows = [[_escape(name)] for name in cells.names]
    for texts, marks in zip(cells.texts, cells.marks, strict=True):
        for row, text, mark in zip(rows, texts, marks, strict=True):
            row.append(RULED[mark] % _escape(text))
    return [rf"{' & '.join(headings)} \\", r"\midrule", *(rf"{' & '.join(row)} \\" for row in rows)]


_SIGNS = str.maketrans(
    {
        **{sign: rf"\{sign}" for sign in "&%_#${}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        **{"±": r"$\pm$", "−": "$-$", "–": "--", "<": "$<$", ">": "$>$", "†": r"$^\dagger$", "τ": r"$\tau$"},
        **{"×": r"$\times$", "★": r"$\star$", "≥": r"$\ge$", "≤": r"$\le$"},
    }
)


def _escape(text: str, *, breaks: bool = False) -> str:
    """Make a text safe for LaTeX, and its signs LaTeX's own; with `breaks` lines may end within long names."""
    safe = text.translate(_SIGNS)
    return safe.replace("/", r"/\allowbreak{}").replace(r"\_", r"\_\allowbreak{}") if breaks else safe
