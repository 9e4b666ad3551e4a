"""All numbers of an experiment's report, computed from its cases alone."""

from dataclasses import dataclass

import pandas as pd

from benchmark import statistics, tables
from benchmark.consistency import consistency_of_all
from benchmark.evidence import Evidence
from benchmark.report.paper import beside_paper


@dataclass(frozen=True)
class Numbers:
    """Everything that is computed from the cases of an experiment, in long form, for print and for figures.

    Attributes:
        summary: Of `tables.overall`.
        pooled: Of `tables.pooled_counts`.
        structures: Of `tables.by_structure`.
        noise: Of `tables.by_noise`; may be empty.
        external: Of `tables.by_test_cohort`; may be empty.
        missing: Of `tables.by_missing`; may be empty.
        paper: Of `paper.beside_paper`.
        scores: Dice of every subject and complete variant, of `statistics.subject_scores`.
        tests: Of `statistics.paired_tests`.
        intervals: Of `statistics.intervals`, with mean_rank.
        replicates: Of `statistics.replicate_ranks`.
        consistency: Of `consistency.consistency_of_all`.
    """

    summary: pd.DataFrame
    pooled: pd.DataFrame
    structures: pd.DataFrame
    noise: pd.DataFrame
    external: pd.DataFrame
    missing: pd.DataFrame
    paper: pd.DataFrame
    scores: pd.DataFrame
    tests: pd.DataFrame
    intervals: pd.DataFrame
    replicates: pd.DataFrame
    consistency: pd.DataFrame

    @property
    def leader(self) -> str:
        """The variant with the highest mean Dice."""
        return str(self.summary[self.summary["metric"] == "dice"].set_index("variant")["mean"].idxmax())

    def files(self) -> dict[str, pd.DataFrame]:
        """Name to table, of those that hold anything."""
        return {name: table for name, table in vars(self).items() if len(table)}


def compute(evidence: Evidence) -> Numbers:
    """Compute all numbers of an experiment; statistics compare its complete variants only."""
    cases = tables.internal(evidence.cases)
    complete = cases[~cases["variant"].isin(list(evidence.incomplete))]
    scores = statistics.subject_scores(complete)
    intervals = statistics.intervals(scores)
    intervals["mean_rank"] = statistics.ranks(scores).mean().to_numpy()
    summary, pooled = tables.overall(cases), tables.pooled_counts(cases)
    return Numbers(
        summary=summary,
        pooled=pooled,
        structures=tables.by_structure(cases),
        noise=tables.by_noise(evidence.cases),
        external=tables.by_test_cohort(evidence.cases),
        missing=tables.by_missing(evidence.cases),
        paper=beside_paper(summary, pooled, evidence.networks),
        scores=scores,
        tests=statistics.paired_tests(scores),
        intervals=intervals,
        replicates=statistics.replicate_ranks(complete),
        consistency=consistency_of_all(cases),
    )
