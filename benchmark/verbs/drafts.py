"""The verbs that write what a person then corrects: init drafts a manifest, protocol a label protocol."""

import shlex
from pathlib import Path

SHOWN = 20
"""Rows and questions that are printed; the file has all."""


def init(folder: Path, *, output: Path | None = None) -> None:
    """Draft a manifest from the names of the images in a folder, to be looked through and corrected.

    Args:
        folder: Where images lie, at any depth.
        output: CSV file to write; manifest.csv in that folder where not given.
    """
    from benchmark.console import show_table, stdout
    from datamodules.files import check_writable, write_csv
    from datamodules.sources.draft import draft_manifest
    from datamodules.sources.subjects import number_of

    place = output or folder / "manifest.csv"
    if place.exists():
        raise FileExistsError(f"{place}: exists already. Name another file (--output), or move it away.")
    check_writable(place)
    draft = draft_manifest(folder, place)
    write_csv(place, draft.table)
    show_table(draft.table.head(SHOWN), f"{place}: {number_of(len(draft.table), 'subject')}")
    for question in draft.open_questions[:SHOWN]:
        stdout.print(question, markup=False)
    if (more := len(draft.open_questions) - SHOWN) > 0:
        stdout.print(f"... and {more} more such cells and files.", markup=False)
    command = shlex.join(["petmr", "check", str(place)])
    stdout.print(f"Look through {place} and correct it. Next: {command}", markup=False)


def protocol(labels: Path, output: Path, *, present: list[Path] | None = None) -> None:
    """Make a label protocol from another tool's list of labels: FreeSurfer, ITK-SNAP, FSL, SPM, 3D Slicer.

    Args:
        labels: A colour table, label descriptions, a lookup table, lines of ids and names, or an atlas' XML.
        output: Table to write (.tsv), for --protocol.
        present: Label maps: only ids that one of them holds become structures.
    """
    from benchmark.console import stdout
    from datamodules.files import check_writable, write_text
    from datamodules.labels.foreign_tables import draft_structures, read_foreign, table_text
    from datamodules.labels.protocol_table import read_table
    from datamodules.sources.subjects import named, number_of

    if output.suffix != ".tsv":
        raise ValueError(f"{output}: a protocol is a tab-separated table; expected a name that ends in .tsv.")
    if output.exists():
        raise FileExistsError(f"{output}: exists already. Name another file, or move it away.")
    check_writable(output)
    entries = read_foreign(labels)
    ids = _ids(present or [])
    try:
        structures = draft_structures(entries, ids.__contains__ if present else lambda label: True)
    except ValueError as fault:
        raise ValueError(f"{labels}: {fault}") from fault
    text = table_text(structures, f"Made from {labels.name} by petmr protocol.")
    read_table(text, source=str(labels))
    write_text(output, text)
    pairs = sum(one.partner is not None for one in structures) // 2
    counts = f"{number_of(len(structures) - 1, 'structure')}, {number_of(pairs, 'pair')} of left and right"
    stdout.print(f"{output}: background and {counts}.", markup=False)
    if unnamed := sorted(ids - {entry.label for entry in entries} - {0}):
        stdout.print(f"Not in {labels}, though in the label maps: {named(unnamed)}.", markup=False)
    command = shlex.join(["petmr", "check", "SOURCE", "--protocol", str(output)])
    stdout.print(f"Look through its sides, partners and tissues. Next: {command}", markup=False)


def _ids(maps: list[Path]) -> set[int]:
    """Every id that a label map holds."""
    import numpy as np

    from datamodules.volumes.read import read_labels

    return {int(label) for path in maps for label in np.unique(read_labels(path)[0])}
