"""Colours and names of the structures for viewers: FreeView's lookup table and 3D Slicer's colour table."""

from pathlib import Path

from datamodules.files import write_text
from datamodules.labels.protocol import Protocol, Structure

FREEVIEW, SLICER = "labels.txt", "labels.ctbl"


def write_colour_tables(folder: Path, protocol: Protocol) -> None:
    """Write `labels.txt` (FreeView: --lut) and `labels.ctbl` (3D Slicer) into a folder."""
    ordered = sorted(protocol.structures, key=lambda structure: structure.label)
    write_text(folder / FREEVIEW, "#No. Label Name: R G B A\n" + _lines(ordered, opaque=0))
    write_text(folder / SLICER, "# Color table of FreeSurfer labels\n" + _lines(ordered, opaque=255))


def _lines(structures: list[Structure], opaque: int) -> str:
    """One line a structure; FreeView writes opaque as 0, 3D Slicer as 255, where the background's 0 is transparent."""
    return "".join(
        f"{one.label} {one.name.replace(' ', '_')} {' '.join(map(str, one.colour))} {opaque if one.label else 0}\n"
        for one in structures
    )
