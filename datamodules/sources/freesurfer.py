"""FreeSurfer and FastSurfer subject folders (`SUBJECT/mri/*.mgz`), with a folder of PET matched by subject name."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.findings import Finding, error, warning
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
MR_IMAGES = ("orig.mgz", "T1.mgz")
"""Both conformed to 0..255; orig keeps the scanner's contrast."""
AVERAGE = "fsaverage"


def read_freesurfer(root: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """List the subjects of a SUBJECTS_DIR, or the one whose own folder `root` is.

    Raises:
        ValueError: If no folder of PET is named.
        FileNotFoundError: If there is no such folder.
    """
    if selection.pet is None:
        raise ValueError(f"{root}: FreeSurfer folders hold no PET. Name the folder that does: --pet DIR.")
    if not selection.pet.is_dir():
        raise FileNotFoundError(f"{selection.pet}: there is no such folder of PET images.")
    images = sorted(path for path in selection.pet.rglob("*") if is_image(path))
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for folder in subject_folders(root):
        pet = match_by_name(folder.name, images, selection.pet)
        if isinstance(pet, Finding):
            findings.append(pet)
            continue
        present = [folder / "mri" / name for name in MR_IMAGES if (folder / "mri" / name).is_file()]
        files = {"pet": pet, "mr": (present or [folder / "mri" / MR_IMAGES[0]])[0]}
        label = find_segmentation(folder, selection.segmentation)
        subjects.append(Subject(folder.name, files, label, group=folder.name))
    return Listing(tuple(subjects), (*findings, *_mixed(subjects, root)))


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


def match_by_name(subject: str, images: Sequence[Path], root: Path) -> Path | Finding:
    """Find the image of a subject: its name, alone or before `_`, `-`, `.`, is that of the file or a folder above."""
    matching = [path for path in images if any(_names(part, subject) for part in path.relative_to(root).parts)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        text = f"No PET image is named after {subject}."
        return error(subject, root, text, f"Name it {subject}.nii.gz or {subject}_pet.nii.gz.")
    text = f"{len(matching)} PET images are named after it: {named(path.relative_to(root) for path in matching)}."
    return error(subject, root, text, "Leave one, or name the right one in a manifest CSV.")


def _names(part: str, subject: str) -> bool:
    return part == subject or part.startswith((f"{subject}_", f"{subject}-", f"{subject}."))


def _mixed(subjects: Sequence[Subject], root: Path) -> list[Finding]:
    kinds = sorted({subject.label.name for subject in subjects if subject.label})
    if len(kinds) < 2:
        return []
    text = f"The label maps are of {len(kinds)} kinds: {', '.join(kinds)}."
    return [warning("", root, text, "Ask for one kind with --segmentation, such as --segmentation aseg.")]
