"""Lists of labels that other tools write, read as what a protocol needs: id, name, colour.

- FreeSurfer's colour table, and 3D Slicer's: `17  Left-Hippocampus  220 216 20 0`
- ITK-SNAP's label descriptions: `17  220 216 20  1 1 1  "Left Hippocampus"`
- FSLeyes' lookup tables: `17  0.863 0.847 0.078  Left Hippocampus`
- a bare list: `17  Left Hippocampus`
- SPM's and FSL's atlases in XML
"""

import colorsys
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datamodules.labels.protocol_table import COLUMNS, MAX_LABEL, MAX_STRUCTURES, Structure

Colour = tuple[int, int, int]
_SIDES = {
    "left": r"\bleft\b|\blh\b|\bl\b",
    "right": r"\bright\b|\brh\b|\br\b",
}
"""How names say their side, as words of their own."""
_FLUID = r"ventricle|\bcsf\b|inf lat vent|choroid|vessel|fluid"


@dataclass(frozen=True)
class Entry:
    """A label of a foreign list."""

    label: int
    name: str
    colour: Colour | None = None


def read_foreign(path: Path) -> list[Entry]:
    """Read a list of labels in whichever of the forms above it is.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has none of these forms.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such list of labels.")
    text = path.read_text(encoding="utf-8", errors="replace")
    entries = _read_xml(path, text) if text.lstrip().startswith("<") else _read_lines(text)
    if not entries:
        raise ValueError(
            f"{path}: isn't understood as a list of labels; expected FreeSurfer's colour table, ITK-SNAP's label "
            "descriptions, a lookup table of FSLeyes, lines such as '17 Left-Hippocampus', or an atlas' XML (SPM, FSL)."
        )
    return [entry for entry in entries if entry.label]


def _read_lines(text: str) -> list[Entry]:
    """The form is that of the first line of labels: all lines must have it."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and line.lstrip()[0].isdecimal()]
    for read in (_itk_snap, _fsleyes, _freesurfer, _bare):
        entries = [read(line) for line in lines]
        if entries and all(entries):
            return [entry for entry in entries if entry]
    return []


def _freesurfer(line: str) -> Entry | None:
    found = re.fullmatch(r"(\d+)\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)(?:\s+\d+)?", line)
    return Entry(int(found[1]), found[2], _bytes(found.groups()[2:5])) if found else None


def _itk_snap(line: str) -> Entry | None:
    found = re.fullmatch(r'(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[\d.]+\s+\d+\s+\d+\s+"(.*)"', line)
    return Entry(int(found[1]), found[5], _bytes(found.groups()[1:4])) if found else None


def _fsleyes(line: str) -> Entry | None:
    share = r"([01](?:\.\d*)?|\.\d+)"
    found = re.fullmatch(rf"(\d+)\s+{share}\s+{share}\s+{share}\s+(.*\S)", line)
    return Entry(int(found[1]), found[5], _bytes(255 * float(one) for one in found.groups()[1:4])) if found else None


def _bare(line: str) -> Entry | None:
    found = re.fullmatch(r"(\d+)[\s,;:]+(.*\S)", line)
    return Entry(int(found[1]), found[2].strip('"')) if found else None


def _bytes(values: Iterable[str | float]) -> Colour:
    red, green, blue = (round(float(value)) for value in values)
    return red, green, blue


def _read_xml(path: Path, text: str) -> list[Entry]:
    """SPM names `<index>` and `<name>`; FSL counts from 0 what the summary image counts from 1."""
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise ValueError(f"{path}: is no XML ({error}).") from error
    entries = []
    for label in root.iter("label"):
        index, name = label.findtext("index"), label.findtext("name")
        if (index or "").strip().isdecimal() and name:
            entries.append(Entry(int(str(index)), name.strip()))
        elif label.get("index", "").isdecimal() and label.text:
            entries.append(Entry(int(label.get("index", "")) + 1, label.text.strip()))
    return entries


def draft_structures(entries: Iterable[Entry], only: Callable[[int], bool] = lambda label: True) -> list[Structure]:
    """Structures of a protocol: sides and mirror partners by their names, colours of their own where none are given.

    Args:
        entries: A list of labels.
        only: Which of them to take.

    Raises:
        ValueError: If there are none, or more than a protocol may have, or two of one label or name.
    """
    chosen = [entry for entry in entries if only(entry.label) and entry.label <= MAX_LABEL]
    if not chosen:
        raise ValueError("None of its labels is left: the label maps hold others.")
    if len(chosen) >= MAX_STRUCTURES:
        raise ValueError(
            f"It holds {len(chosen)} labels; a protocol has at most {MAX_STRUCTURES - 1} besides background. Take only "
            "those that your label maps hold: --present MAP.nii.gz."
        )
    sides = {entry.label: _side(entry.name) for entry in chosen}
    partners = _partners({entry.label: (sides[entry.label], _bare_name(entry.name)) for entry in chosen})
    background = Structure(0, "background", "", None, "background", (0, 0, 0))
    return [
        background,
        *(
            Structure(
                label=entry.label,
                name=entry.name.replace("\t", " "),
                side=sides[entry.label],
                partner=partners.get(entry.label),
                tissue="cerebrospinal fluid" if re.search(_FLUID, _words(entry.name)) else "",
                colour=entry.colour or _distinct(position),
            )
            for position, entry in enumerate(chosen)
        ),
    ]


def table_text(structures: Iterable[Structure], remark: str) -> str:
    """The tab-separated table of a protocol."""
    lines = [f"# {remark}", "\t".join(COLUMNS)]
    for one in structures:
        partner, colour = "" if one.partner is None else one.partner, f"#{bytes(one.colour).hex()}"
        lines.append("\t".join(map(str, (one.label, one.name, one.side, partner, one.tissue, colour, ""))))
    return "\n".join(lines) + "\n"


def _words(name: str) -> str:
    """A name in lower case, its words apart: `ctx-lh-cuneus` and `lLingual` say their side by words of their own."""
    apart = re.sub(r"^([lr])(?=[A-Z])", r"\1 ", name)
    return " ".join(re.split(r"[\s_.,;()-]+", apart.lower())).strip()


def _side(name: str) -> str:
    found = [side for side, pattern in _SIDES.items() if re.search(pattern, _words(name))]
    return found[0] if len(found) == 1 else ""


def _bare_name(name: str) -> str:
    return " ".join(re.sub("|".join(_SIDES.values()), " ", _words(name)).split())


def _partners(known: Mapping[int, tuple[str, str]]) -> dict[int, int]:
    """Label to the label of the same name on the other side, where there is exactly one on each."""
    by_name: dict[tuple[str, str], list[int]] = {}
    for label, (side, name) in known.items():
        by_name.setdefault((name, side), []).append(label)
    pairs = [(by_name.get((name, "left"), []), by_name.get((name, "right"), [])) for name, _ in by_name]
    partners: dict[int, int] = {}
    for left, right in pairs:
        if len(left) == len(right) == 1:
            partners |= {left[0]: right[0], right[0]: left[0]}
    return partners


def _distinct(position: int) -> Colour:
    """Hues a golden section apart, so that neighbours in a list differ."""
    red, green, blue = colorsys.hsv_to_rgb(position * 0.618034 % 1, 0.65, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)
