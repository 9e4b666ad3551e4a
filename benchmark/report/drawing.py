"""A figure that may be drawn, with what is said of it."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

Draw = Callable[[], Figure | None]


@dataclass(frozen=True)
class Drawing:
    """A figure that may be drawn.

    Attributes:
        name: Of its files.
        section: Of the page.
        title: Above it.
        caption: Below it.
        draw: Draws it; None where there is nothing to see.
        numbers: Names of the tables in `numbers/` that it is drawn from; none of a picture.
    """

    name: str
    section: str
    title: str
    caption: str
    draw: Draw
    numbers: tuple[str, ...] = ()
