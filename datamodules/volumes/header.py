"""What a file's header says of its place besides the affine, so that what is written on its grid says the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.nifti1 import unit_codes

from datamodules.volumes.grid import Array

SCANNER = 1
"""Code of coordinates of the scanner."""
SPATIAL = 0b111
"""The bits of a header's units that are those of space; the others are of time."""


@dataclass(frozen=True)
class Header:
    """How a NIfTI file places itself: some viewers read the sform, others the qform.

    Attributes:
        sform_code: What the sform's coordinates are; 0 where it isn't set.
        qform_code: The same for the qform.
        qform: 4 x 4, as nested tuples; None where it isn't set, or as the grid's affine.
        units: Of space.
    """

    sform_code: int = SCANNER
    qform_code: int = SCANNER
    qform: tuple[tuple[float, ...], ...] | None = None
    units: str = "mm"

    @classmethod
    def of(cls, path: Path) -> "Header":
        """Of a file; that of the scanner's own coordinates where its format knows no codes (MGH)."""
        image = nib.load(path)
        if not isinstance(image, nib.nifti1.Nifti1Pair):
            return cls()
        qform, code = image.get_qform(coded=True)
        values = None if qform is None else tuple(tuple(float(value) for value in row) for row in qform)
        unit = int(image.header["xyzt_units"]) & SPATIAL
        units = str(unit_codes.label[unit]) if unit in unit_codes.code else "unknown"
        return cls(int(image.header["sform_code"]), int(code), values, units)

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> "Header":
        """From its JSON form."""
        qform = entry["qform"]
        return cls(**{**entry, "qform": None if qform is None else tuple(map(tuple, qform))})

    def apply(self, image: nib.nifti1.Nifti1Image, affine: Array) -> None:
        """Let an image on the same grid, whose affine is `affine`, say the same of its place."""
        image.set_qform(affine if self.qform is None else np.array(self.qform), self.qform_code)
        image.set_sform(affine, self.sform_code)
        image.header.set_xyzt_units(self.units)
