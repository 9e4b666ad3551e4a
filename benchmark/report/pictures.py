"""Figures on disk, drawn by several processes at a time: matplotlib uses one core and takes half a second for each."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmark.figures.style import house_style, save
from benchmark.report.drawing import Drawing
from benchmark.report.page.images import webp
from datamodules.parallel import end_with_parent

MOST_PROCESSES = 8
"""Each holds what the report knows of the runs, as far as it changes it."""


@dataclass(frozen=True)
class Picture:
    """A figure on disk, with what a `Drawing` says of it.

    Attributes:
        name: Of its files.
        section: Of the page.
        title: Above it.
        caption: Below it.
        png: Its file.
        webp: The same for the page, in base64.
        numbers: Names of the tables in `numbers/` that it is drawn from.
    """

    name: str
    section: str
    title: str
    caption: str
    png: Path
    webp: str
    numbers: tuple[str, ...] = ()


def draw_all(drawings: Sequence[Drawing], folder: Path) -> tuple[Picture, ...]:
    """Draw figures into a folder, as PNG and PDF; leaves out those in which there would be nothing to see.

    Raises:
        ChildProcessError: If a process that draws dies.
    """
    processes = min(os.cpu_count() or 1, MOST_PROCESSES, max(len(drawings), 1))
    with ProcessPoolExecutor(processes, get_context(), _Drawer.begin, (drawings, folder)) as pool:
        try:
            drawn = list(pool.map(_Drawer.draw, range(len(drawings))))
        except BrokenProcessPool as error:
            raise ChildProcessError(
                f"{folder}: a process that draws has died, most likely for want of memory."
            ) from error
    return tuple(picture for picture in drawn if picture is not None)


class _Drawer:
    """In a process that draws: what there is to draw, which reaches it once instead of with every figure."""

    drawings: Sequence[Drawing]
    folder: Path

    @classmethod
    def begin(cls, drawings: Sequence[Drawing], folder: Path) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
        end_with_parent()
        cls.drawings, cls.folder = drawings, folder

    @classmethod
    def draw(cls, index: int) -> Picture | None:
        one = cls.drawings[index]
        with house_style():
            figure = one.draw()
            if figure is None:
                return None
            png = save(figure, cls.folder / one.name)
        return Picture(one.name, one.section, one.title, one.caption, png, webp(png), one.numbers)
