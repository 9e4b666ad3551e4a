"""FreeSurfer and FastSurfer subject folders (`SUBJECT/mri/*.mgz`), with a folder of PET matched by subject name."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from datamodules.findings import Finding, error, note, warning
from datamodules.sources.subjects import Listing, Selection, Subject, named
from datamodules.volumes.read import is_image

SEGMENTATIONS = (
    "aseg.mgz",
    "aparc+aseg.mgz",
    "aparc.DKTatlas+aseg.mgz",
    "aparc.DKTatlas+aseg.deep.withCC.mgz",
    "aparc.DKTatlas+aseg.deep.mgz",
    "wmparc.mgz",
)
"""The same structures in growing detail or falling completeness; the first one present is taken."""
MR_IMAGES = ("orig.mgz", "T1.mgz", "brain.mgz", "norm.mgz")
"""All conformed to 0..255; orig keeps the scanner's contrast. Some folders hold only the last, without skull."""
AVERAGE = "fsaverage"
MARKS = re.compile(r"[_.-]").finditer
"""What may end a subject's name within a file's."""


def read_freesurfer(root: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """List the subjects of a SUBJECTS_DIR, or the one whose own folder `root` is; without PET where none is named.

    Raises:
        FileNotFoundError: If there is no such folder of PET.
    """
    find_pet = _pet_finder(selection.pet)
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for folder in subject_folders(root):
        pet = find_pet(folder.name)
        if isinstance(pet, Finding):
            findings.append(pet)
            continue
        present = [folder / "mri" / name for name in MR_IMAGES if (folder / "mri" / name).is_file()]
        files = {**pet, "mr": (present or [folder / "mri" / MR_IMAGES[0]])[0]}
        label = find_segmentation(folder, selection.segmentation) if selection.labels else None
        subjects.append(Subject(folder.name, files, label, group=folder.name))
    return Listing(tuple(subjects), (*findings, *_mixed(subjects, root), *_without_pet(root, selection)))


def _pet_finder(folder: Path | None) -> Callable[[str], dict[str, Path] | Finding]:
    if folder is None:
        return lambda subject: {}
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of PET images.")
    named_after = _by_name(folder)
    return lambda subject: _match(subject, named_after.get(subject, []), folder)


def subject_folders(root: Path) -> list[Path]:
    """Folders that hold a `mri` folder, averages left out."""
    if (root / "mri").is_dir():
        return [root]
    return sorted(path.parent for path in root.glob("*/mri") if not path.parent.name.startswith(AVERAGE))


def find_segmentation(folder: Path, containing: str | None) -> Path | None:
    """The label map of a subject folder: the first of `SEGMENTATIONS`, or the one whose name contains a text."""
    present = [folder / "mri" / name for name in SEGMENTATIONS if (folder / "mri" / name).is_file()]
    if containing is None:
        return next(iter(present), None)
    present += sorted(set(folder.glob("mri/*aseg*.mgz")) - set(present))
    exact = [path for path in present if path.name.removesuffix(".mgz") == containing]
    return next(iter([*exact, *(path for path in present if containing in path.name)]), None)


def _by_name(root: Path) -> dict[str, list[Path]]:
    """Images by all that they may be named after: a file or folder, whole or up to a `_`, `-` or `.` in its name."""
    found: dict[str, list[Path]] = {}
    for path in sorted(path for path in root.rglob("*") if is_image(path)):
        parts = path.relative_to(root).parts
        for name in {part[:end] for part in parts for end in (len(part), *(mark.start() for mark in MARKS(part)))}:
            found.setdefault(name, []).append(path)
    return found


def _match(subject: str, images: Sequence[Path], root: Path) -> dict[str, Path] | Finding:
    if len(images) == 1:
        return {"pet": images[0]}
    if not images:
        text = f"No PET image is named after {subject}."
        return error(subject, root, "no PET", text, f"Name it {subject}.nii.gz or {subject}_pet.nii.gz.")
    text = f"{len(images)} PET images are named after it: {named(path.relative_to(root) for path in images)}."
    return error(subject, root, "several PET", text, "Leave one, or name the right one in a manifest CSV.")


def _without_pet(root: Path, selection: Selection) -> list[Finding]:
    if selection.pet or not selection.labels:
        return []
    return [note("", root, "no PET", "Subjects of MR alone: FreeSurfer's folders hold no PET.", "Add it: --pet DIR.")]


def _mixed(subjects: Sequence[Subject], root: Path) -> list[Finding]:
    kinds = sorted({subject.label.name for subject in subjects if subject.label})
    images = sorted({subject.images["mr"].name for subject in subjects})
    found = []
    if len(kinds) > 1:
        text = f"The label maps are of {len(kinds)} kinds: {', '.join(kinds)}."
        remedy = "Ask for one kind with --segmentation, such as --segmentation aseg."
        found.append(warning("", root, "several kinds of label maps", text, remedy))
    if len(images) > 1:
        text = f"The MR images are of {len(images)} kinds: {', '.join(images)}; brain and norm lack the skull."
        remedy = "Keep the subjects of one kind (--exclude), or give all the same in a manifest CSV."
        found.append(warning("", root, "several kinds of MR images", text, remedy))
    return found
