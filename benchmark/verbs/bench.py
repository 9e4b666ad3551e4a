"""The verb that measures ours beside its peer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack


class StepOptions(TypedDict, total=False):
    """Of `petmr bench step` alone.

    Args:
        patch: Voxels along each side of the input, 64 if not given.
        classes: Background included, 45 if not given.
        device: Where to run; a GPU where there is one if not given.
        threads: Of the processor, all its cores if not given.
        repeats: Turns of which the quickest counts, 3 if not given.
        precisions: Of which to measure, both if not given; bf16 takes 10 to 20 times as long as fp32 on a processor
            without AVX-512.
        plot: File for the roofline: arithmetic intensity against achieved rate (.png or .pdf).
    """

    patch: int | None
    classes: int | None
    device: str | None
    threads: int | None
    repeats: int | None
    precisions: list[Literal["fp32", "bf16"]] | None
    plot: Path | None


def bench(
    part: Literal["scoring", "patches", "inference", "loop", "step"],
    *,
    networks: list[str] | None = None,
    json: Path | None = None,
    markdown: Path | None = None,
    **options: Unpack[StepOptions],
) -> None:
    """Measure a part of this suite beside its peer, MONAI's or a plain composition, in one run: minutes.

    Args:
        part: Scores of 256^3 label maps, training patches, sliding-window inference, the training loop, or a training
            step and a window of every network.
        networks: Of `step`: names, or class paths of your own; all that are shipped if not given.
        json: File to write the numbers to; of `step`, after each network.
        markdown: File to write the table to.
    """
    from benchmark.bench.table import comparison_table, step_table
    from benchmark.console import show_table
    from benchmark.text_tables import markdown as as_markdown
    from datamodules.files import write_json, write_text

    every: dict[str, Any] = {"networks": networks, **options}
    given = {name: value for name, value in every.items() if value is not None}
    for found in _step(given) if part == "step" else [_part(part, given)]:
        table = step_table(found["cases"]) if part == "step" else comparison_table(found)
        if json:
            write_json(json, found)
        if markdown:
            write_text(markdown, as_markdown(table))
    show_table(table, f"{part}: ours beside its peer")


def _part(part: str, options: dict[str, Any]) -> dict[str, Any]:
    from importlib import import_module

    if options:
        named = ", ".join(f"--{name}" for name in options)
        raise ValueError(f"{named} belongs to `petmr bench step`; `petmr bench {part}` takes --json and --markdown.")
    found: dict[str, Any] = import_module(f"benchmark.bench.{part}").bench(begin=_teller(part))
    return found


def _step(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What was found so far, after each network."""
    import os

    from benchmark.bench.profile import Sizes
    from benchmark.bench.step import PRECISIONS, Place, bench
    from benchmark.labelling.devices import choose_device
    from benchmark.verbs.networks import builders

    place = Place(
        choose_device(options.get("device")),
        options.get("threads", os.cpu_count() or 1),
        options.get("repeats", 3),
        tuple(options.get("precisions", PRECISIONS)),
    )
    patch = options.get("patch", 64)
    sizes = Sizes((patch, patch, patch), out_channels=options.get("classes", 45))
    for found in bench(builders(options.get("networks")), sizes, place, _teller("step")):
        if "plot" in options:
            _draw(found, options["plot"])
        yield found


def _draw(found: dict[str, Any], path: Path) -> None:
    from benchmark.figures.roofline import roofline
    from benchmark.figures.style import house_style, save

    with house_style():
        save(roofline(found["cases"], found["roofs"]), path.with_suffix(""))


def _teller(part: str) -> Any:
    from benchmark.console import stderr

    return lambda case: stderr.print(f"{part}: {case} ...", markup=False, highlight=False)
