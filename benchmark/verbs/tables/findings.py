"""Findings for eyes and for programs: a table with a row for each kind, a JSON file with each, and the exit code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from benchmark.console import stdout
from datamodules.files import write_json
from datamodules.findings import SEVERITIES, Finding, by_severity
from datamodules.sources.subjects import named

NAMED = 3
"""Subjects that a row names."""
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
COLUMNS = (("severity", None), ("subjects", 2), ("file", 2), ("finding", 5), ("remedy", 3))
"""And each one's share of the width."""


def show_findings(findings: Sequence[Finding], title: str, *, every: bool = False) -> None:
    """Print a table of findings, errors first: a row for each kind, or for every single one."""
    if not findings:
        stdout.print(f"{title}: nothing found that is worth telling.", markup=False)
        return
    table = Table(title=Text(title), title_justify="left", show_lines=True)
    for column, share in COLUMNS:
        table.add_column(column, overflow="fold", ratio=share)
    groups = [[finding] for finding in by_severity(findings)] if every else of_one_kind(findings)
    for group in groups:
        table.add_row(*map(Text, _cells(group, Path(title))), style=STYLES[group[0].severity])
    stdout.print(table, soft_wrap=False)
    if len(groups) < len(findings):
        stdout.print(f"A row a kind, {len(findings)} findings in all: --all or --json FILE tells each.", markup=False)


def of_one_kind(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that differ only in whom they concern and in numbers, together; errors first."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in by_severity(findings):
        alike.setdefault((finding.severity, finding.kind), []).append(finding)
    return list(alike.values())


def _cells(group: Sequence[Finding], source: Path) -> tuple[str, ...]:
    """A row that tells the first of a group, and how many more there are like it; files from the source's folder on."""
    first, subjects = group[0], list(dict.fromkeys(one.subject for one in group if one.subject))
    whom = f"{len(subjects)}: {named(subjects, NAMED)}" if len(subjects) > 1 else "".join(subjects)
    more = len({(one.file, one.text) for one in group}) - 1
    above = source if source.is_dir() else source.parent
    path = Path(first.file)
    file = str(path.relative_to(above)) if first.file and path.is_relative_to(above) else first.file
    return first.severity, whom, f"{file}\n(and {more} more)" if more and file else file, first.text, first.remedy


def write_findings(path: Path, findings: Sequence[Finding]) -> None:
    """Write all findings and how many there are of each severity."""
    write_json(path, {"counts": counts(findings), "findings": [asdict(finding) for finding in findings]})


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each severity."""
    found = Counter(finding.severity for finding in findings)
    return {severity: found[severity] for severity in SEVERITIES}
