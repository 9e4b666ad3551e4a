"""Tables as verbs hand them on: GitHub Markdown of texts, and records of numbers for JSON."""

from typing import Any

import pandas as pd


def markdown(texts: pd.DataFrame) -> str:
    """A table of texts, its first column to the left and the others to the right."""
    lines = [list(texts.columns), [":--", *["--:"] * (len(texts.columns) - 1)], *texts.to_numpy().tolist()]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain objects; what isn't known is None."""
    rows: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows
