"""All numbers of an experiment's report, computed from its cases alone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pandas as pd

from benchmark.report.metrics import METRICS
from benchmark.report.paper import beside_paper
from benchmark.runs.evidence import Evidence
from benchmark.statistics import tables
from benchmark.statistics.comparison import Comparison, compare
from benchmark.statistics.consistency import consistency_of_all
from benchmark.statistics.robustness import robustness


@dataclass(frozen=True)
class Numbers:
    """Everything that is computed from the cases of an experiment, in long form, for print and for figures.

    Attributes:
        summary: Of `tables.overall`.
        pooled: Of `tables.pooled_counts`.
        structures: Of `tables.by_structure`.
        noise: Of `tables.by_noise`; may be empty.
        misalignment: Of `tables.by_misalignment`; may be empty.
        robustness: Of `robustness.robustness`; may be empty.
        external: Of `tables.by_test_cohort`; may be empty.
        missing: Of `tables.by_missing`; may be empty.
        paper: Of `paper.beside_paper`.
        comparisons: Metric of the paper's Table 1 to the comparison of all complete variants in it.
        elsewhere: Name of each external cohort to the comparison of all complete variants in Dice there.
        consistency: Of `consistency.consistency_of_all`.
        leader: The complete variant with the highest mean Dice; of all variants where none is complete.
    """

    summary: pd.DataFrame
    pooled: pd.DataFrame
    structures: pd.DataFrame
    noise: pd.DataFrame
    misalignment: pd.DataFrame
    robustness: pd.DataFrame
    external: pd.DataFrame
    missing: pd.DataFrame
    paper: pd.DataFrame
    comparisons: Mapping[str, Comparison]
    elsewhere: Mapping[str, Comparison]
    consistency: pd.DataFrame
    leader: str

    @property
    def dice(self) -> Comparison:
        """The comparison that leads the report."""
        return self.comparisons["dice"]

    def files(self) -> dict[str, pd.DataFrame]:
        """Name to table, of those that hold anything."""
        tables = {name: table for name, table in vars(self).items() if isinstance(table, pd.DataFrame)}
        return {name: table for name, table in {**tables, **self._compared()}.items() if len(table)}

    def _compared(self) -> dict[str, pd.DataFrame]:
        """The parts of all comparisons, one metric below the other."""
        compared = {**self.comparisons, **{f"dice in {cohort}": one for cohort, one in self.elsewhere.items()}}
        return {
            part.name: pd.concat([_named(one, part.name, metric) for metric, one in compared.items()])
            for part in fields(Comparison)
        }


def compute(evidence: Evidence) -> Numbers:
    """Compute all numbers of an experiment; statistics compare its complete variants only."""
    cases = tables.internal(evidence.cases)
    ranked = evidence.cases[~evidence.cases["variant"].isin(list(evidence.incomplete))]
    complete = tables.internal(ranked)
    summary, pooled = tables.overall(cases), tables.pooled_counts(cases)
    return Numbers(
        summary=summary,
        pooled=pooled,
        structures=tables.by_structure(cases),
        noise=tables.by_noise(evidence.cases),
        misalignment=tables.by_misalignment(evidence.cases),
        robustness=robustness(evidence.cases),
        external=tables.by_test_cohort(evidence.cases),
        missing=tables.by_missing(evidence.cases),
        paper=beside_paper(summary, pooled, evidence.networks),
        comparisons={metric: compare(complete, metric) for metric in METRICS},
        elsewhere={name: compare(own, "dice") for name, own in tables.elsewhere(ranked).items()},
        consistency=consistency_of_all(cases),
        leader=_leader(summary, evidence),
    )


def _leader(summary: pd.DataFrame, evidence: Evidence) -> str:
    dice = summary[summary["metric"] == "dice"].set_index("variant")["mean"]
    complete = dice.drop(list(evidence.incomplete), errors="ignore").dropna()
    return str((complete if len(complete) else dice).idxmax())


def _named(comparison: Comparison, part: str, metric: str) -> pd.DataFrame:
    table: pd.DataFrame = getattr(comparison, part)
    table = table.reset_index() if table.index.name else table.copy()
    table.insert(0, "metric", metric)
    return table
