"""A subject: which files belong together, nothing read yet."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.findings import Finding, error

PARTS = ("train", "validation", "test")
FILE_NAME = re.compile(r"\w[\w.+-]*")
SHOWN = 10
"""Names that a sentence lists before it says how many more there are."""


@dataclass(frozen=True)
class Subject:
    """The files of one subject.

    Attributes:
        id: Unique in the cohort; names its files.
        images: Modality to image file, in the cohort's order (PET, MR by default).
        label: The label map of FreeSurfer ids, or None.
        group: Subjects of one group (one person, one anatomy) always stay in one part of a fold.
        covariates: Anything else known, such as age, sex, weight.
        part: Where the source's own split puts it: one of `PARTS`, or empty where it has none.
    """

    id: str
    images: Mapping[str, Path]
    label: Path | None
    group: str
    covariates: Mapping[str, str] = field(default_factory=dict)
    part: str = ""

    @property
    def files(self) -> dict[str, Path]:
        """Every file of the subject by its role: the modalities, then `label` where there is one."""
        return {**self.images, **({"label": self.label} if self.label else {})}


@dataclass(frozen=True)
class Selection:
    """Which of several candidates are meant; nothing is ever guessed.

    Attributes:
        pet: Folder of PET images, for layouts that hold none.
        session: BIDS sessions; with any named, each is a scan of its own, grouped by person.
        tracer: BIDS tracer (`trc`) of the PET.
        run: BIDS run.
        segmentation: Text that the path of the label map contains.
    """

    pet: Path | None = None
    session: tuple[str, ...] = ()
    tracer: str | None = None
    run: str | None = None
    segmentation: str | None = None

    @classmethod
    def parse(
        cls, pet: Path | None, session: str | None, tracer: str | None, run: str | None, segmentation: str | None
    ) -> "Selection":
        """As a command line gives them: sessions in one text, separated by commas."""
        return cls(pet, tuple((session or "").replace(",", " ").split()), tracer, run, segmentation)


@dataclass(frozen=True)
class Listing:
    """What a source holds: its subjects, and what its layout alone already shows."""

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...] = ()


def named(items: Iterable[object]) -> str:
    """Some names as text, cut short where there are many."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def check_listing(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    """Find what is wrong with a list of subjects to train on before any file is read whole."""
    return [*check_images(subjects, source), *_unlabelled(subjects, source)]


def check_images(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    """Find what is wrong with a list of subjects that need no label map."""
    if not subjects:
        return [error("", source, "Holds no subject.", "Check the path and the layout.")]
    return [
        *_unfit_ids(subjects, source),
        *_repeated(subjects, source),
        *_odd_images(subjects),
        *(finding for subject in subjects for finding in _missing_files(subject)),
        *_unknown_parts(subjects),
    ]


def _repeated(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    ids = [subject.id for subject in subjects]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    return [
        error(one, source, f"{one} occurs more than once.", "Every subject needs an id of its own.") for one in twice
    ]


def _unfit_ids(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    unfit = [subject.id for subject in subjects if not FILE_NAME.fullmatch(subject.id)]
    text = "The id {!r} can't name a file."
    return [error(one, source, text.format(one), "Use letters, digits and . _ + - only.") for one in unfit]


def _odd_images(subjects: Sequence[Subject]) -> list[Finding]:
    usual = tuple(subjects[0].images)
    return [
        error(
            subject.id,
            "",
            f"Has the images {', '.join(subject.images) or 'none'}; {subjects[0].id} has {', '.join(usual) or 'none'}.",
            "All subjects need the same images.",
        )
        for subject in subjects
        if tuple(subject.images) != usual
    ]


def _unlabelled(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    without = [subject.id for subject in subjects if subject.label is None]
    if not without:
        return []
    text = f"{len(without)} of {len(subjects)} subjects have no label map: {named(without)}."
    return [error("", source, text, "Label them, or leave them out; prediction needs no label (petmr predict).")]


def _missing_files(subject: Subject) -> list[Finding]:
    found = []
    for role, file in subject.files.items():
        if not file.is_file():
            found.append(error(subject.id, file, f"There is no such file ({role})."))
        elif not file.stat().st_size:
            found.append(error(subject.id, file, "The file is empty (0 bytes).", "Copy or convert it again."))
    return found


def _unknown_parts(subjects: Sequence[Subject]) -> list[Finding]:
    return [
        error(subject.id, "", f"Its part is '{subject.part}'.", f"Parts are {', '.join(PARTS)}, or empty.")
        for subject in subjects
        if subject.part and subject.part not in PARTS
    ]
