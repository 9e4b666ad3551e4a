"""Reports whose figures are drawn and not written, which takes most of a report's time: where nobody looks at them."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import pyplot as plt

import benchmark.report.write
from benchmark import __main__
from benchmark.figures.style import house_style
from benchmark.report.drawing import Drawing
from benchmark.report.pictures import Picture


def sketch_all(drawings: Sequence[Drawing], folder: Path) -> tuple[Picture, ...]:
    """What `draw_all` does, but for laying out and writing."""
    with house_style():
        for one in drawings:
            if (figure := one.draw()) is not None:
                plt.close(figure)
    return ()


def main() -> None:
    """`petmr`, as a process of its own."""
    benchmark.report.write.draw_all = sketch_all
    __main__.main()
