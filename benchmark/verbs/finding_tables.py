"""Findings for eyes and for programs: a table, a JSON file, and the exit code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from benchmark.console import stdout
from datamodules.files import write_json
from datamodules.findings import SEVERITIES, Finding, by_severity
from datamodules.sources.subjects import named

SHOWN = 60
"""Rows of the table; the JSON file has all."""
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def show_findings(findings: Sequence[Finding], title: str) -> None:
    """Print a table of findings, errors first."""
    if not findings:
        stdout.print(f"{title}: nothing found that is worth telling.", markup=False)
        return
    table = Table(title=title, title_justify="left", show_lines=True)
    for column, share in (("severity", None), ("subject", None), ("file", 2), ("finding", 5), ("remedy", 3)):
        table.add_column(column, overflow="fold", ratio=share)
    rows = merged(findings)
    for finding in rows[:SHOWN]:
        cells = (finding.severity, finding.subject, Path(finding.file).name, finding.text, finding.remedy)
        table.add_row(*map(Text, cells), style=STYLES[finding.severity])
    stdout.print(table, soft_wrap=False)
    if len(rows) > SHOWN:
        stdout.print(f"... and {len(rows) - SHOWN} more; --json FILE writes all.", markup=False)


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Errors first; what several subjects share word for word becomes one finding that lists them."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in by_severity(findings):
        alike.setdefault((finding.severity, finding.text, finding.remedy), []).append(finding)
    return [
        replace(group[0], subject=named(one.subject for one in group), file="" if len(group) > 1 else group[0].file)
        for group in alike.values()
    ]


def write_findings(path: Path, findings: Sequence[Finding]) -> None:
    """Write all findings and how many there are of each severity."""
    write_json(path, {"counts": counts(findings), "findings": [asdict(finding) for finding in findings]})


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each severity."""
    found = Counter(finding.severity for finding in findings)
    return {severity: found[severity] for severity in SEVERITIES}
