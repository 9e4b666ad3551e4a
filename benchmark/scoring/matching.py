"""Files of the same subject in different folders, found by their names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datamodules.findings import Finding, error, refuse_errors
from datamodules.sources.subjects import named
from datamodules.volumes.read import is_image, stem

DECORATION = re.compile(
    r"[_.-](dseg|aseg|aparc\+aseg|aparcaseg|seg|segmentation|labels?|truth|gt|pred|prediction|synthseg|pet|suv|suvbw"
    r"|(desc|space|trc|rec|run|res|atlas)-[a-z0-9]+)$",
    re.IGNORECASE,
)
"""What may follow the subject in a file's name, any number of times."""
UNNAMED = re.compile(r"mri|pet|anat|labels?|dseg|aseg|aparc\+aseg|seg|prediction|truth", re.IGNORECASE)
"""Names of files and folders that say what they hold, not of whom: the folder above does."""


@dataclass(frozen=True)
class Match:
    """One subject's files, by the name of the folder that they are from."""

    subject: str
    files: Mapping[str, Path]


def match_files(folders: Mapping[str, Path], *, partial: bool = False) -> tuple[Match, ...]:
    """Match the images of several folders by subject.

    Args:
        folders: Role to folder; a folder's own folders are looked into as well.
        partial: Whether subjects that only some of the folders have are left out rather than refused.

    Raises:
        FileNotFoundError: If a folder doesn't exist.
        ValueError: Listing files that are named after one subject, and subjects that a folder lacks.
    """
    found = {role: _by_subject(folder) for role, folder in folders.items()}
    ambiguous = [finding for role, files in found.items() for finding in _ambiguous(folders[role], files)]
    everyone = sorted({subject for files in found.values() for subject in files})
    common = [subject for subject in everyone if all(subject in files for files in found.values())]
    unmatched = [
        finding for role, files in found.items() for finding in _unmatched(role, folders[role], files, everyone)
    ]
    refuse_errors([*ambiguous, *(unmatched if not partial or not common else [])])
    return tuple(Match(subject, {role: files[subject][0] for role, files in found.items()}) for subject in common)


def subject_of(path: Path) -> str:
    """The subject that a file is named after: `s1` for s1_dseg.nii.gz, s1/mri/aseg.mgz and s1_desc-aseg_dseg.nii."""
    name = stem(path)
    while (shorter := DECORATION.sub("", name)) != name:
        name = shorter
    for folder in path.parents:
        if not UNNAMED.fullmatch(name):
            break
        name = folder.name
    return name


def _by_subject(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder.")
    files: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if is_image(path)):
        files.setdefault(subject_of(path), []).append(path)
    return files


def _ambiguous(folder: Path, files: Mapping[str, list[Path]]) -> Iterable[Finding]:
    for subject, paths in files.items():
        if len(paths) > 1:
            text = f"{len(paths)} files are named after it: {named(path.relative_to(folder) for path in paths)}."
            yield error(subject, folder, text, "Leave one.")


def _unmatched(role: str, folder: Path, files: Mapping[str, list[Path]], everyone: list[str]) -> Iterable[Finding]:
    if not everyone:
        yield error("", folder, "Holds no image.", "Check the path.")
    if lacking := [subject for subject in everyone if subject not in files]:
        text = f"Has no {role} of {named(lacking)}; it has {named(files) or 'no image at all'}."
        yield error("", folder, text, "Name files after their subjects; --partial leaves such subjects out.")
