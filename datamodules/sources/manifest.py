"""Manifest CSV: one row a subject, one column a modality."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath

import pandas as pd

from datamodules.findings import Finding, error, warning
from datamodules.sources.subjects import WEIGHT, Listing, Selection, Subject
from datamodules.tables import read_table
from datamodules.volumes.read import IMAGE_SUFFIXES

RESERVED = ("subject", "label", "group", "part")
USUAL = ("pet", "mr", "mri", "t1", "t1w", "t2", "t2w", "flair", "ct", "fdg", "amyloid", "tau", "dwi", "swi")
"""Columns of these names hold images, whatever their cells look like."""
DICOM = (".dcm", ".ima", ".dicom")
FOREIGN = (*DICOM, ".img", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd", ".mnc", ".v", ".nii.zip", ".nii.bz2")
"""Ends of image files that aren't read."""


MANIFEST = "manifest.csv"
"""A manifest's name where a folder is given instead of it."""


def read_manifest(path: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """Read columns `subject`, one per modality (any name, holding image files), `label`, `group`, `part`, covariates.

    Relative paths resolve from the folder of the CSV. Without a `group` column every subject is its own group; `part`
    (train, validation, test) is the source's own split. A row with a cell that names no image file is a finding.

    Raises:
        ValueError: If it is no table, or the column `subject` or every image column is missing.
    """
    path = path / MANIFEST if path.is_dir() else path
    table = read_table(path)
    table.columns = pd.Index([_known(str(name)) for name in table.columns])
    if "subject" not in table:
        raise ValueError(f"{path}: has no column 'subject'; found {', '.join(table.columns)}.")
    modalities = [
        str(name) for name in table.columns if name not in RESERVED and _is_modality(name, table[name], path.parent)
    ]
    if not modalities:
        raise ValueError(
            f"{path}: no column holds image files ({', '.join(IMAGE_SUFFIXES)}); expected pet and mr, say. "
            f"It has {', '.join(table.columns)}."
        )
    covariates = [str(name) for name in table.columns if name not in {*RESERVED, *modalities}]
    images = [*modalities, *(["label"] if "label" in table and selection.labels else [])]
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for row in table.to_dict("records"):
        files = {name: row[name] for name in images if row[name]}
        if wrong := [fault for name, cell in files.items() for fault in _check_cell(path, row["subject"], name, cell)]:
            findings += wrong
            continue
        findings += _outside(path, row["subject"], files.values())
        label = files.pop("label", None)
        subjects.append(
            Subject(
                id=row["subject"],
                images={name: path.parent / cell for name, cell in files.items()},
                label=path.parent / label if label else None,
                group=row.get("group") or row["subject"],
                covariates={name: row[name] for name in covariates},
                part=row.get("part", ""),
            )
        )
    return Listing(tuple(subjects), tuple(findings))


def _known(name: str) -> str:
    """A column's name; those that mean something to us may be written in capitals."""
    return name.lower() if name.lower() in {*RESERVED, *USUAL, WEIGHT} else name


def _is_modality(name: str, cells: Iterable[str], folder: Path) -> bool:
    return name in USUAL or any(
        cell.lower().endswith((*IMAGE_SUFFIXES, *FOREIGN))
        or (len(PureWindowsPath(cell).parts) > 1 and (folder / cell).exists())
        for cell in cells
    )


def _check_cell(manifest: Path, subject: str, column: str, cell: str) -> Sequence[Finding]:
    """A cell of a column of images must name an image file."""
    if cell.endswith(IMAGE_SUFFIXES):
        return ()
    text = f"Column '{column}' holds '{cell}'; expected an image file ({', '.join(IMAGE_SUFFIXES)})."
    dicom = cell.lower().endswith(DICOM) or (manifest.parent / cell).is_dir()
    remedy = "Convert DICOM first: dcm2niix -z y -o OUT FOLDER." if dicom else "Name the file whole, or convert it."
    return [error(subject, manifest, "no image file", text, remedy)]


def _outside(manifest: Path, subject: str, cells: Iterable[str]) -> list[Finding]:
    """Files that lie elsewhere than below the manifest, whether a path or a link leads there."""
    home = manifest.parent.resolve()
    places = [(manifest.parent / cell).resolve() for cell in cells]
    text = "The manifest leads out of its folder, to {}."
    return [
        warning(subject, manifest, "file elsewhere", text.format(place), "Look whether that is meant.")
        for place in places
        if not place.is_relative_to(home)
    ]
