"""What files say of a person besides the image: names, dates of birth, addresses and free text.

Nothing of it enters a cohort, a pack or a report but the covariates that a user asks for; it is the source that would
be shared with it.
"""

import re
from collections.abc import Iterator, Mapping

import nibabel as nib

from datamodules.findings import Finding, warning
from datamodules.sources.subjects import Subject
from datamodules.volumes.sidecar import read_sidecar

PERSONAL = re.compile(
    r"patient'?s?.?(name|id|birth.?(date|name)?|address|telephone.*)|birth.?da(te|y)|date.?of.?birth|dob|((given|family|first|last|sur|full).?)?name"
    r"|other.?patient|(referring|performing|requesting|reading).?physician|operators?.?name|institution.?(name|address)"
    r"|accession.?number|medical.?record|mrn|insurance|address|telephone|phone|e.?mail",
    re.IGNORECASE,
)
"""Names of fields, as DICOM and people spell them, that tell whose image it is."""
TEXTS = ("descrip", "aux_file", "db_name", "intent_name")
"""Free text in a header of NIfTI."""
PROGRAMS = re.compile(
    r"FSL|FreeSurfer|spm|ANTs|ITK|dcm2niix|MRtrix|AFNI|Slicer|simulated|synthseg|T[ER]=|\d[\d.: ;=-]*$|5\.0\.|6\.0\.",
    re.IGNORECASE,
)
"""How the text begins that programs leave there."""
REMEDY = "Blank it before anybody else gets the source; cohorts, packs and reports don't take it along."


def check_privacy(subject: Subject) -> list[Finding]:
    """Find what the files of a subject, and its covariates, would give away; their values aren't repeated.

    Args:
        subject: Whose files are there and can be opened; others are told by other checks.
    """
    found = [
        warning(subject.id, path, "personal", f"Its header has text in {', '.join(named)}.", REMEDY)
        for path in subject.files.values()
        if (named := _texts(nib.load(path)))
    ]
    found += [
        warning(subject.id, path, "personal", f"Its sidecar has {', '.join(named)}.", REMEDY)
        for path in subject.images.values()
        if (named := [name for name in _fields(read_sidecar(path)) if PERSONAL.fullmatch(name)])
    ]
    if named := [name for name, value in subject.covariates.items() if value and PERSONAL.fullmatch(name)]:
        found.append(warning(subject.id, "", "personal", f"Its covariates have {', '.join(named)}.", REMEDY))
    return found


def _texts(image: object) -> list[str]:
    """Fields with text that no program is known to have left; extensions may hold whole DICOM headers."""
    if not isinstance(image, nib.nifti1.Nifti1Pair):
        return []
    texts = {name: bytes(image.header[name].item()).decode("latin-1").strip("\0 ") for name in TEXTS}
    told = [name for name, text in texts.items() if text and not PROGRAMS.match(text)]
    return [*told, *["extensions"] * bool(len(image.header.extensions))]


def _fields(sidecar: Mapping[str, object]) -> Iterator[str]:
    """Names of all fields that hold something, those of objects within too."""
    for name, value in sidecar.items():
        if isinstance(value, Mapping):
            yield from _fields(value)
        elif value:
            yield name
