"""What the verbs show: a progress bar in a terminal, plain lines elsewhere, and tables."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDTH_OF_FILES = 160
"""Columns where the output is no terminal, so that tables in logs aren't folded."""

stdout = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
stderr = Console(stderr=True, soft_wrap=True)


@contextmanager
def progress(task: str, total: int) -> Iterator[Callable[[str], None]]:
    """Give a function to call with the name of each item that is finished."""
    if not stderr.is_terminal:
        yield _plain_lines(task, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as bar:
        handle = bar.add_task(task, total=total)
        yield lambda item: bar.update(handle, advance=1, description=f"{task}: {item}")


def _plain_lines(task: str, total: int) -> Callable[[str], None]:
    finished = 0

    def advance(item: str) -> None:
        nonlocal finished
        finished += 1
        stderr.print(f"{task} {finished}/{total}: {item}", markup=False, highlight=False)

    return advance


def show_table(table: pd.DataFrame, title: str) -> None:
    """Print a table of texts."""
    drawn = Table(title=title, title_justify="left")
    for column in table.columns:
        drawn.add_column(str(column), justify="left" if column == table.columns[0] else "right")
    for row in table.itertuples(index=False):
        drawn.add_row(*map(str, row))
    stdout.print(drawn)
