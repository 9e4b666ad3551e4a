"""The verb that measures ours beside its peer."""

from pathlib import Path
from typing import Literal


def bench(part: Literal["scoring", "patches", "inference", "loop"], *, json: Path | None = None) -> None:
    """Measure a part of this suite beside its peer in one run: minutes on one core.

    Args:
        part: Scores of 256^3 label maps, training patches, or sliding-window inference, beside MONAI's; or the training
            loop, beside a bare one.
        json: File to write the table to.
    """
    from importlib import import_module

    from benchmark.bench.table import comparison_table
    from benchmark.console import show_table, stderr
    from datamodules.files import write_json

    stderr.print(f"{part}: every case is measured in a process of its own, which takes minutes.", markup=False)
    cases = import_module(f"benchmark.bench.{part}").bench()
    show_table(comparison_table(cases), f"{part}: ours beside its peer")
    if json:
        write_json(json, cases)
