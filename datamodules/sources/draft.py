"""A manifest drafted from the names of files, for a person to correct."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from datamodules.volumes.read import is_image, stem

ROLES = {
    "label": r"dseg|aparc\+aseg|aseg|aparc|parc|seg|segmentation|labels?|labelsTr|labelsVal|labelsTs",
    "pet": r"pet|fdg|suv|suvbw|suvr|pib|amyloid|tau",
    "flair": r"flair",
    "t2": r"t2|t2w",
    "ct": r"ct",
    "mr": r"mr|mri|t1|t1w|t1mprage|mprage|mp2rage|spgr|orig",
}
"""Column to the words in a file's or folder's name that say so; the first that is found counts."""
ENTITY = r"(?:desc|space|trc|rec|run|acq|res|atlas)-[a-z0-9]+|data|images?(?:Tr|Val|Ts)?|anat|nii|brain"
"""Words that say neither what a file holds nor of whom."""
KNOWN = "|".join([*ROLES.values(), ENTITY])
WORD = r"(?:^|(?<=[\W_]))(?:{})(?=[\W_]|$)"


@dataclass(frozen=True)
class Draft:
    """What names of files tell.

    Attributes:
        table: A manifest: a row for each subject, paths relative to its folder; a cell that isn't sure is empty.
        open_questions: Sentences about such cells, and about files that found no place.
    """

    table: pd.DataFrame
    open_questions: tuple[str, ...]


def draft_manifest(folder: Path, manifest: Path) -> Draft:
    """Guess which images below a folder are whose, and what they hold.

    Args:
        folder: Where images lie.
        manifest: Where the table will lie.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no image whose name tells what it holds.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder.")
    found: dict[tuple[str, str], list[str]] = {}
    questions: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if is_image(path)):
        parts = (*path.relative_to(folder).parts[:-1], stem(path))
        shown = os.path.relpath(path, manifest.parent)
        if role := role_of(parts):
            found.setdefault((subject_of(parts), role), []).append(shown)
        else:
            questions.append(f"{shown}: its name doesn't say what it holds.")
    if not found:
        raise ValueError(
            f"{folder}: holds no image whose name says what it holds, such as s1_pet.nii.gz, s1_T1w.nii.gz."
        )
    columns = [role for role in ("pet", "mr", "flair", "t2", "ct", "label") if any(role == one for _, one in found)]
    rows = []
    for subject in sorted({subject for subject, _ in found}):
        files = {role: found.get((subject, role), []) for role in columns}
        for role, paths in files.items():
            if len(paths) != 1:
                questions.append(
                    f"{subject}: {f'which is its {role}? ' + ', '.join(paths) if paths else f'no {role}'}."
                )
        chosen = {role: paths[0] if len(paths) == 1 else "" for role, paths in files.items()}
        rows.append({"subject": subject, **chosen, "group": re.split(r"_ses-", subject)[0]})
    return Draft(pd.DataFrame(rows), tuple(questions))


def role_of(parts: Sequence[str]) -> str | None:
    """What a file holds, by its own name, or by those of the folders above it."""
    for part in reversed(parts):
        for role, words in ROLES.items():
            if re.search(WORD.format(words), part, re.IGNORECASE):
                return role
    return None


def subject_of(parts: Sequence[str]) -> str:
    """Whose a file is: what is left of its name, or of the folder's above it, without words for what it holds."""
    for part in reversed(parts):
        pieces = re.split(r"([\s_.]+)", part)
        telling = [piece for piece in pieces[::2] if piece and not re.fullmatch(KNOWN, piece, re.IGNORECASE)]
        left = [re.sub(rf"^(?:{KNOWN})-|-(?:{KNOWN})$", "", piece, flags=re.IGNORECASE) for piece in telling]
        if left:
            return pieces[1].join(left) if len(left) > 1 else left[0]
    return parts[-1]
