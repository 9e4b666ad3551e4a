"""What a user may ask of a report."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.runs.reading import Changes


@dataclass(frozen=True)
class ReportOptions:
    """What a report is to say, and where it finds what.

    Attributes:
        together: Name of one table for all runs, whatever their experiments are called.
        cohort: Where the cohort lies, if not where the runs found it.
        by: Covariates by which subjects are divided, besides those that the experiments ask for.
        changes: To how the experiments ask to be read.
    """

    together: str | None = None
    cohort: Path | None = None
    by: tuple[str, ...] = ()
    changes: Changes = Changes()  # noqa: RUF009  frozen
