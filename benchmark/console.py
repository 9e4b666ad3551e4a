"""What the verbs show: a progress bar in a terminal, plain lines elsewhere, and tables."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from benchmark.text_tables import fit, is_words

WIDTH_OF_FILES = 160
"""Columns where the output is no terminal, so that tables in logs aren't folded."""

QUIET_S = 30.0
"""Between two lines on one thing that goes on, where there is no terminal."""

WATCH_S = 2.0
"""Between two looks at what is watched."""

ROWS = 30
"""Of a table that a terminal shows where a file has all."""

stdout = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
stderr = Console(stderr=True, soft_wrap=True)


Look = Callable[[], Sequence[str]]
"""Gives a line on each thing that goes on."""


@contextmanager
def progress(task: str, total: int, look: Look = lambda: ()) -> Iterator[Callable[[str], None]]:
    """Give a function to call with the name of each item that is finished.

    Args:
        task: What is done.
        total: Items.
        look: What goes on: shown below the bar in a terminal, elsewhere a line each whenever it has changed, at most
            one in `QUIET_S` seconds for each thing.
    """
    if stderr.is_terminal:
        with _Watched(task, total, look) as bar:
            yield bar.tick
        return
    lines = _PlainLines(task, total, look)
    with lines.looking():
        yield lines.finished


@contextmanager
def steps(task: str) -> Iterator[Callable[[str], None]]:
    """Give a function to call with the name of each step that begins, of which there are nobody knows how many."""
    if not stderr.is_terminal:
        yield lambda step: _line(f"{task}: {step}")
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=stderr) as bar:
        handle = bar.add_task(task, total=None)
        yield lambda step: bar.update(handle, description=f"{task}: {step}")


class _Watched(Progress):
    """A bar, and below it what goes on."""

    def __init__(self, task: str, total: int, look: Look) -> None:
        self.task, self.look = task, look
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        super().__init__(*columns, console=stderr, refresh_per_second=2)
        self.handle = self.add_task(task, total=total)

    def tick(self, item: str) -> None:
        self.update(self.handle, advance=1, description=f"{self.task}: {item}")

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        yield from (Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in self.look())


class _PlainLines:
    """The same where there is no terminal."""

    def __init__(self, task: str, total: int, look: Look) -> None:
        self.task, self.total, self.look = task, total, look
        self.count = 0

    def finished(self, item: str) -> None:
        self.count += 1
        _line(f"{self.task} {self.count}/{self.total}: {item}")

    @contextmanager
    def looking(self) -> Iterator[None]:
        over = Event()
        watch = Thread(target=self._watch, args=[over], daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _watch(self, over: Event) -> None:
        said: dict[str, tuple[str, float]] = {}
        while not over.wait(1.0):
            for line in self.look():
                thing = line.partition(":")[0]
                before, when = said.get(thing, ("", -math.inf))
                if line != before and time.monotonic() - when >= QUIET_S:
                    said[thing] = line, time.monotonic()
                    _line(f"{self.task}: {line}")


def _line(text: str) -> None:
    stderr.print(text, markup=False, highlight=False)


def show_table(table: pd.DataFrame, title: str, file: Path | None = None) -> None:
    """Print a table of texts, no number of which is ever cut.

    Columns that don't fit are left out and named; so are rows beyond `ROWS` in a terminal, if a file has them all.

    Args:
        table: Names of the rows first; cells may be rich's styled texts.
        title: Above it.
        file: That holds the whole table.
    """
    shown = table.head(ROWS) if file and stdout.is_terminal else table
    fitted = fit(shown, stdout.width)
    drawn = _draw(fitted.table)
    if fitted.width > stdout.width:  # not even two columns fit
        drawn.width = fitted.width
    _say(title, style="bold")
    stdout.print(drawn, crop=False)
    where = f"; all of it is in {file}" if file else ""
    if fitted.left_out:
        _say(f"Not shown, as {stdout.width} columns are too few: {', '.join(fitted.left_out)}{where}.")
    if len(shown) < len(table):
        _say(f"The first {len(shown)} of {len(table)} rows{where}.")


def watch(look: Callable[[], tuple[pd.DataFrame, str, bool]], title: str) -> tuple[pd.DataFrame, str]:
    """Show a table and a sentence again and again; returns the last ones.

    Args:
        look: Gives both, and whether there will be more to see.
        title: Of the table.

    Raises:
        ValueError: If there is no terminal to draw in.
    """
    if not stdout.is_terminal:
        raise ValueError("There is no terminal to draw in: leave out --watch.")
    with Live(console=stdout, auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            table, sentence, more = look()
            live.update(
                Group(Text(title, style="bold"), _draw(fit(table, stdout.width).table), Text(sentence)), refresh=True
            )
            if not more:
                return table, sentence
            time.sleep(WATCH_S)


def _draw(texts: pd.DataFrame) -> Table:
    drawn = Table()
    for place, heading in enumerate(texts.columns):
        words = is_words(texts.iloc[:, place].astype(str))
        drawn.add_column(Text(heading), justify="right" if place else "left", no_wrap=not words, overflow="fold")
    for row in texts.itertuples(index=False):
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return drawn


def _say(sentence: str, style: str | None = None) -> None:
    """Print a sentence that goes on in the next line between words."""
    stdout.print(sentence, style=style, markup=False, highlight=False, soft_wrap=False)
