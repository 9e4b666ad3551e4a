"""What checks find: values that a table, a JSON file or an error message is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing worth telling about a source.

    Attributes:
        severity: `error` keeps the source from being prepared, `warning` deserves a look, `note` is for the record.
        subject: Whom it concerns; empty where it concerns the source as a whole.
        file: Which file; empty where it concerns none.
        kind: What sort of thing, in a few words; many findings of one kind are told as one.
        text: What was found and what was expected, as a sentence.
        remedy: What to do; empty where nothing needs doing.
    """

    severity: Severity
    subject: str
    file: str
    kind: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.subject, self.file) if part)
        return f"{head}: {' '.join(filter(None, (self.text, self.remedy)))}".removeprefix(": ")


class FaultyDataError(ValueError):
    """Data can't be used as they are.

    Attributes:
        findings: Every error.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))


def error(subject: str, file: Path | str, kind: str, text: str, remedy: str = "") -> Finding:
    """A finding that keeps the source from being prepared."""
    return Finding("error", subject, str(file), kind, text, remedy)


def warning(subject: str, file: Path | str, kind: str, text: str, remedy: str = "") -> Finding:
    """A finding that deserves a look."""
    return Finding("warning", subject, str(file), kind, text, remedy)


def note(subject: str, file: Path | str, kind: str, text: str, remedy: str = "") -> Finding:
    """A finding for the record."""
    return Finding("note", subject, str(file), kind, text, remedy)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that keep the source from being prepared."""
    return tuple(finding for finding in findings if finding.severity == "error")


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Go on only where there is no error.

    Raises:
        FaultyDataError: Listing all errors.
    """
    if found := errors(findings):
        raise FaultyDataError(found)


def by_severity(findings: Iterable[Finding]) -> Sequence[Finding]:
    """Errors first, otherwise in the order found."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
