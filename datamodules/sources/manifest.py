"""Manifest CSV: one row a subject, one column a modality."""

from pathlib import Path

import pandas as pd

from datamodules.sources.subjects import Listing, Selection, Subject
from datamodules.volumes.read import IMAGE_SUFFIXES

RESERVED = ("subject", "label", "group", "part")


def read_manifest(path: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """Read columns `subject`, one per modality (any name, holding image files), `label`, `group`, `part`, covariates.

    Relative paths resolve from the folder of the CSV. Without a `group` column every subject is its own group; `part`
    (train, validation, test) is the source's own split.

    Raises:
        ValueError: If it is no table, or the column `subject` or every image column is missing.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as fault:
        raise ValueError(f"{path}: can't be read as a table of comma-separated values ({fault}).") from fault
    if "subject" not in table:
        raise ValueError(f"{path}: has no column 'subject'; found {', '.join(table.columns)}.")
    modalities = [str(name) for name in table.columns if name not in RESERVED and _holds_images(table[name])]
    if not modalities:
        raise ValueError(
            f"{path}: no column holds image files ({', '.join(IMAGE_SUFFIXES)}); expected pet and mr, say."
        )
    covariates = [str(name) for name in table.columns if name not in {*RESERVED, *modalities}]
    return Listing(
        tuple(
            Subject(
                id=row["subject"],
                images={name: path.parent / row[name] for name in modalities if row[name]},
                label=path.parent / row["label"] if row.get("label") else None,
                group=row.get("group") or row["subject"],
                covariates={name: row[name] for name in covariates},
                part=row.get("part", ""),
            )
            for row in table.to_dict("records")
        )
    )


def _holds_images(column: "pd.Series[str]") -> bool:
    return bool(column.str.endswith(IMAGE_SUFFIXES).any())
