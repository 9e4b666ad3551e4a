"""The tab-separated table a label protocol is written in: one row a structure, checked on reading.

    label   name               side   partner  tissue       colour   folds
    0       background                         background   #000000
    17      Left-Hippocampus   left   53       deep grey    #dcd814  500-599,1017

`label` is the FreeSurfer id, `partner` the label of the mirror structure, and `folds` the further ids, or ranges of
ids, that count as this structure. Lines that start with `#` are remarks.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from datamodules.tables import FORMULA

COLUMNS = ("label", "name", "side", "partner", "tissue", "colour", "folds")
MIRROR = {"left": "right", "right": "left", "": ""}
MAX_LABEL = 32766
"""Labels are written as 16-bit integers; the highest is kept free to mean "unknown"."""
MAX_STRUCTURES = 255
"""Class indices are 8-bit integers; the highest is kept free to mean "unknown"."""


@dataclass(frozen=True)
class Structure:
    """One class of a protocol.

    Attributes:
        label: FreeSurfer label.
        name: FreeSurfer name.
        side: "left", "right", or "" for a structure on the midline or of both sides.
        partner: Label of the mirror structure, None where there is none.
        tissue: Group of structures, such as "white matter".
        colour: Red, green and blue, 0 to 255.
    """

    label: int
    name: str
    side: str
    partner: int | None
    tissue: str
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class LabelRange:
    """Labels from `first` to `last`, both included, that count as the structure `label`."""

    first: int
    last: int
    label: int


def read_table(text: str, *, source: str) -> tuple[tuple[Structure, ...], tuple[LabelRange, ...]]:
    """Read the structures and folds of a protocol from the text of its table.

    Args:
        text: The whole table.
        source: The file that error messages name.

    Raises:
        ValueError: The table breaks a rule; file, line and rule are named.
    """
    lines = [(n, line.split("\t")) for n, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if not lines or tuple(lines[0][1]) != COLUMNS:
        raise ValueError(f"{source}: the first line must hold the columns {', '.join(COLUMNS)}, separated by tabs.")
    structures: list[Structure] = []
    folds: list[LabelRange] = []
    for number, cells in lines[1:]:
        try:
            structure = _parse_structure(cells)
            folds += _parse_folds(cells[-1], structure.label)
        except ValueError as error:
            raise ValueError(f"{source}, line {number}: {error}") from error
        structures.append(structure)
    try:
        _check(structures, folds)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    return tuple(structures), tuple(folds)


def _parse_structure(cells: Sequence[str]) -> Structure:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"found {len(cells)} cells, expected {len(COLUMNS)}: {', '.join(COLUMNS)}.")
    label, name, side, partner, tissue, colour, _ = (cell.strip() for cell in cells)
    if not name:
        raise ValueError("the name is empty.")
    if FORMULA.fullmatch(name):
        raise ValueError(f"the name is {name!r}: a spreadsheet would compute it. Begin it with a letter or a digit.")
    if side not in MIRROR:
        raise ValueError(f"the side is {side!r}, expected left, right or nothing.")
    return Structure(
        _parse_label(label), name, side, _parse_label(partner) if partner else None, tissue, _parse_colour(colour)
    )


def _parse_label(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_LABEL:
        raise ValueError(f"found the label {text!r}, expected a whole number from 0 to {MAX_LABEL}.")
    return int(text)


def _parse_colour(text: str) -> tuple[int, int, int]:
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
    except ValueError:
        raise ValueError(f"the colour is {text!r}, expected a form such as #dcd814.") from None
    return red, green, blue


def _parse_folds(text: str, label: int) -> list[LabelRange]:
    folds = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        fold = LabelRange(_parse_label(first), _parse_label(last or first), label)
        if fold.last < fold.first:
            raise ValueError(f"the range {part!r} runs backwards.")
        folds.append(fold)
    return folds


def _check(structures: Sequence[Structure], folds: Sequence[LabelRange]) -> None:
    """Check what only the whole table can tell."""
    by_label = {structure.label: structure for structure in structures}
    if not structures or structures[0].label != 0:
        raise ValueError("the first structure must be background, label 0.")
    if len(structures) > MAX_STRUCTURES:
        raise ValueError(f"found {len(structures)} structures, expected at most {MAX_STRUCTURES}.")
    for attribute in ("label", "name"):
        values = [getattr(structure, attribute) for structure in structures]
        if repeated := sorted({str(value) for value in values if values.count(value) > 1}):
            raise ValueError(f"the {attribute} {', '.join(repeated)} is given more than once.")
    for structure in structures:
        _check_partner(structure, by_label)
    _check_folds(folds, by_label)


def _check_partner(structure: Structure, by_label: dict[int, Structure]) -> None:
    if structure.partner is None:
        return
    partner = by_label.get(structure.partner)
    if (
        partner is None
        or partner.partner != structure.label
        or not structure.side
        or partner.side != MIRROR[structure.side]
    ):
        raise ValueError(
            f"the partner of {structure.name} is {structure.partner}, expected a structure of the other side "
            f"whose own partner is {structure.label}."
        )


def _check_folds(folds: Sequence[LabelRange], by_label: dict[int, Structure]) -> None:
    ordered = sorted(folds, key=lambda fold: fold.first)
    for before, after in itertools.pairwise(ordered):
        if after.first <= before.last:
            raise ValueError(f"the label {after.first} is folded into both {before.label} and {after.label}.")
    for fold in ordered:
        if own := [label for label in by_label if fold.first <= label <= fold.last]:
            raise ValueError(f"the label {own[0]} is a structure of its own and is folded into {fold.label}.")
