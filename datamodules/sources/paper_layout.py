"""The paper's own layout: `data_PET` and `data_MR`, each with imagesTr, imagesVal, imagesTs, and labelsTr, ... .

The paper pairs files by their sorted order; here they are paired by name, and geometry is checked like everyone's.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from datamodules.findings import Finding, error
from datamodules.sources.subjects import Listing, Selection, Subject
from datamodules.volumes.read import is_image, stem

IMAGES = {"pet": "data_PET", "mr": "data_MR"}
PARTS = {"train": "Tr", "validation": "Val", "test": "Ts"}
"""The paper's own split, by the end of the folders' names."""
_KIND = re.compile(
    r"(?i)([_\-.]?(pet|fdg|mri?|t1w?|labels?|seg|dseg|aseg|mask))+$|^((pet|fdg|mri?|t1w?|labels?|seg)[_\-.])+"
)


def read_paper_layout(root: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """List the subjects of the paper's layout; `part` is the folder they lie in."""
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for part, end in PARTS.items():
        images = {name: _by_subject(root / folder / f"images{end}", findings) for name, folder in IMAGES.items()}
        labels: dict[str, Path] = {}
        for folder in reversed(IMAGES.values()):
            labels |= {
                k: v for k, v in _by_subject(root / folder / f"labels{end}", findings).items() if k not in labels
            }
        paired = set.intersection(*(set(files) for files in images.values()))
        findings += _unpaired({**images, "label": labels}, paired)
        for name in sorted(paired):
            files = {modality: found[name] for modality, found in images.items()}
            subjects.append(Subject(name, files, labels.get(name), group=name, part=part))
    return Listing(tuple(subjects), tuple(findings))


def subject_name(path: Path) -> str:
    """A file's name without suffix and without the words that say what kind of image it is."""
    return _KIND.sub("", stem(path)) or stem(path)


def _by_subject(folder: Path, findings: list[Finding]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        if not is_image(path):
            continue
        name = subject_name(path)
        if name in found:
            text = f"{path.name} and {found[name].name} both name the subject {name}."
            findings.append(error(name, folder, "two files", text, "Leave one of them."))
        found[name] = path
    return found


def _unpaired(files: Mapping[str, Mapping[str, Path]], paired: set[str]) -> list[Finding]:
    remedy = "Files are paired by name, never by order: rename them alike."
    return [
        error(name, path, "unpaired", f"There is no {others} of the same name as this {role}.", remedy)
        for role, found in files.items()
        for others in [" and ".join(kind for kind in files if kind not in (role, "label"))]
        for name, path in found.items()
        if name not in paired
    ]
