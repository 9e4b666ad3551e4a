"""A subject: which files belong together, nothing read yet."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datamodules.findings import Finding, error, errors
from datamodules.tables import FORMULA

PARTS = ("train", "validation", "test")
SHOWN = 10
"""Names that a sentence lists before it says how many more there are."""
WEIGHT = "weight"
"""The covariate that holds the body weight in kg, which standardised uptake values depend on."""
LONGEST_ID = 200
"""Bytes: files are called after the subject and what they hold, in at most 255."""


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
        labels: Whether label maps are looked for at all; prediction needs none.
    """

    pet: Path | None = None
    session: tuple[str, ...] = ()
    tracer: str | None = None
    run: str | None = None
    segmentation: str | None = None
    labels: bool = True

    @classmethod
    def parse(cls, *, session: str | None = None, **others: Any) -> "Selection":
        """As a command line gives them: sessions in one text, separated by commas."""
        return cls(session=tuple((session or "").replace(",", " ").split()), **others)


@dataclass(frozen=True)
class Listing:
    """What a source holds: its subjects, and what its layout alone already shows.

    Attributes:
        subjects: Who takes part.
        findings: What was found about them and the source.
        left_out: Who doesn't take part, and why.
    """

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Of any subject, in order."""
        return tuple(dict.fromkeys(name for subject in self.subjects for name in subject.images))

    def without(self, reasons: Mapping[str, str]) -> "Listing":
        """The same less some subjects and all that was found about them.

        Args:
            reasons: Subject to why it is left out.
        """
        return Listing(
            tuple(subject for subject in self.subjects if subject.id not in reasons),
            tuple(finding for finding in self.findings if finding.subject not in reasons),
            {**self.left_out, **reasons},
        )

    def without_faulty(self) -> "Listing":
        """The same less the subjects that an error was found about."""
        return self.without(faulty(self.findings))


def faulty(findings: Iterable[Finding]) -> dict[str, str]:
    """Subject to the first error that was found about it; errors of the source as a whole concern none."""
    first: dict[str, str] = {}
    for finding in errors(findings):
        if finding.subject:
            first.setdefault(finding.subject, str(finding).removeprefix(f"{finding.subject}: "))
    return first


def number_of(number: int, noun: str) -> str:
    """`1 subject`, `2 subjects`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def named(items: Iterable[object], shown: int = SHOWN) -> str:
    """Some names as text, cut short where there are many."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more


def check_listing(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    """Find what is wrong with a list of subjects to train on before any file is read whole."""
    return [*check_images(subjects, source), *_odd_images(subjects), *_unlabelled(subjects)]


def check_images(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    """Find what is wrong with a list of subjects that need neither a label map nor all the same images."""
    if not subjects:
        return [error("", source, "no subject", "Holds no subject.", "Check the path and the layout.")]
    return [
        *_unfit_ids(subjects, source),
        *_repeated(subjects, source),
        *(finding for subject in subjects for finding in _missing_files(subject)),
        *_unknown_parts(subjects),
        *_formulas(subjects, source),
    ]


def can_name_files(text: str) -> bool:
    """Whether files can be called after a text: printable, no path, not hidden, no blanks at its ends, not too long."""
    return (
        text.isprintable()
        and text == text.strip()
        and 0 < len(text.encode()) <= LONGEST_ID
        and not text.startswith(".")
        and not {"/", "\\"} & set(text)
    )


def _unfit_ids(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    remedy = (
        "Expected printable characters other than / and \\, at most 200 bytes, no blank at the ends, no leading dot."
    )
    return [
        error(one.id, source, "unfit id", f"The id {one.id!r} can't name a file.", remedy)
        for one in subjects
        if not can_name_files(one.id)
    ]


def _formulas(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    """Cells that come back in tables which people open."""
    remedy = "A spreadsheet would compute it: begin it with a letter or a digit."
    return [
        error(one.id, source, "formula", f"{column} is {cell!r}.", remedy)
        for one in subjects
        for column, cell in {"Its id": one.id, "Its group": one.group, **one.covariates}.items()
        if FORMULA.fullmatch(cell)
    ]


def _repeated(subjects: Sequence[Subject], source: Path) -> list[Finding]:
    twice = [one for one, count in Counter(subject.id for subject in subjects).items() if count > 1]
    return [
        error(one, source, "repeated id", f"{one} occurs more than once.", "Every subject needs an id of its own.")
        for one in sorted(twice)
    ]


def _odd_images(subjects: Sequence[Subject]) -> list[Finding]:
    if not subjects:
        return []
    usual = Counter(tuple(subject.images) for subject in subjects).most_common(1)[0][0]
    example = next(subject.id for subject in subjects if tuple(subject.images) == usual)
    return [
        error(
            subject.id,
            "",
            "other images",
            f"Has the images {', '.join(subject.images) or 'none'}; {example} has {', '.join(usual) or 'none'}.",
            "All subjects need the same images.",
        )
        for subject in subjects
        if tuple(subject.images) != usual
    ]


def _unlabelled(subjects: Sequence[Subject]) -> list[Finding]:
    remedy = "Label it, or leave it out; prediction needs no label (petmr predict)."
    return [
        error(subject.id, "", "no label map", "Has no label map.", remedy)
        for subject in subjects
        if subject.label is None
    ]


def _missing_files(subject: Subject) -> list[Finding]:
    found = []
    for role, file in subject.files.items():
        if not file.is_file():
            found.append(error(subject.id, file, "no file", f"There is no such file ({role})."))
        elif not file.stat().st_size:
            remedy = "Copy or convert it again."
            found.append(error(subject.id, file, "empty file", "The file is empty (0 bytes).", remedy))
    return found


def _unknown_parts(subjects: Sequence[Subject]) -> list[Finding]:
    remedy = f"Parts are {', '.join(PARTS)}, or empty."
    return [
        error(subject.id, "", "unknown part", f"Its part is '{subject.part}'.", remedy)
        for subject in subjects
        if subject.part and subject.part not in PARTS
    ]
