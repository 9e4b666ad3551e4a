"""All numbers of an experiment's report, computed from its cases (and what its runs recorded of cost) alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import pandas as pd

from benchmark.figures.curves import read_logs
from benchmark.figures.groups import six_structures
from benchmark.figures.names import display_names
from benchmark.report.costs import costs_of
from benchmark.report.metrics import tested, told
from benchmark.report.paper import beside_paper, printed_table
from benchmark.runs.evidence import Evidence
from benchmark.scoring.absence import with_found_distances
from benchmark.statistics import tables
from benchmark.statistics.comparison import Comparison, compare
from benchmark.statistics.consistency import Measured, consistency_of_all, measure
from benchmark.statistics.robustness import robustness
from benchmark.statistics.scores import has_groups, run_scores, subject_means
from benchmark.statistics.variance import variance_components
from benchmark.statistics.verdict import Basis, Verdict, judge


@dataclass(frozen=True)
class Numbers:
    """Everything that is computed from the cases of an experiment, in long form, for print and for figures.

    Attributes:
        names: Variant to its name for print, in the order in which rows are shown.
        voxel_mm: Side of a voxel of the scored label maps.
        metrics: That mean something at this voxel size.
        tested: Those of them that are tested: Table 1's.
        unscored: Structures that no mean is over, as the experiment asks.
        networks: variant, network, name, runs that count, and rank by mean Dice (missing for incomplete ones).
        summary: Of `tables.overall`.
        pooled: Of `tables.pooled_counts`.
        structures: Of `tables.by_structure`, all structures.
        sizes: Of `tables.sizes`.
        subjects: Of `tables.by_subject`.
        chosen: Of `tables.of_structures`: the paper's structures, or what stands for them.
        noise: Of `tables.by_noise`; may be empty.
        misalignment: Of `tables.by_misalignment`; may be empty.
        robustness: Of `robustness.robustness`; may be empty.
        external: Of `tables.by_test_cohort`; may be empty.
        missing: Of `tables.by_missing`; may be empty.
        paper: Of `paper.beside_paper`.
        ranks: Rank of every complete variant by its mean: metric, variant, rank.
        variance: Of `variance.variance_components` in Dice.
        comparisons: Metric to the comparison of all complete variants in it.
        elsewhere: Name of each external cohort to the comparison of all complete variants in Dice there.
        measured: Volume and uptake by truth and by prediction, each in one unit.
        consistency: Of `consistency.consistency_of_all`.
        training: Of `curves.read_logs`.
        costs: Of `costs.costs_of`.
        verdict: Who leads, and if that can be believed.
        leader: The complete variant with the highest mean Dice; of all variants where none is complete.
    """

    names: Mapping[str, str]
    voxel_mm: float
    metrics: tuple[str, ...]
    tested: tuple[str, ...]
    unscored: tuple[str, ...]
    networks: pd.DataFrame
    summary: pd.DataFrame
    pooled: pd.DataFrame
    structures: pd.DataFrame
    sizes: pd.DataFrame
    subjects: pd.DataFrame
    chosen: pd.DataFrame
    noise: pd.DataFrame
    misalignment: pd.DataFrame
    robustness: pd.DataFrame
    external: pd.DataFrame
    missing: pd.DataFrame
    paper: pd.DataFrame
    ranks: pd.DataFrame
    variance: pd.DataFrame
    comparisons: Mapping[str, Comparison]
    elsewhere: Mapping[str, Comparison]
    measured: tuple[Measured, ...]
    consistency: pd.DataFrame
    training: pd.DataFrame
    costs: pd.DataFrame
    verdict: Verdict
    leader: str

    @property
    def dice(self) -> Comparison:
        """The comparison that leads the report."""
        return self.comparisons["dice"]

    def files(self) -> dict[str, pd.DataFrame]:
        """Name to table, of those that hold anything."""
        tables = {name: table for name, table in vars(self).items() if isinstance(table, pd.DataFrame)}
        pairs = {
            one.quantity.name: one.pairs.assign(unit=one.quantity.unit).dropna(
                subset=["truth", "prediction"], how="all"
            )
            for one in self.measured
        }
        return {name: table for name, table in {**tables, **pairs, **self._compared()}.items() if len(table)}

    def _compared(self) -> dict[str, pd.DataFrame]:
        """The parts of all comparisons, one metric below the other."""
        compared = {**self.comparisons, **{f"dice in {cohort}": one for cohort, one in self.elsewhere.items()}}
        parts = [part.name for part in fields(Comparison) if isinstance(getattr(self.dice, part.name), pd.DataFrame)]
        return {part: pd.concat([_named(one, part, metric) for metric, one in compared.items()]) for part in parts}


def compute(evidence: Evidence) -> Numbers:
    """Compute all numbers of an experiment; statistics compare its complete variants only.

    Raises:
        ValueError: If the experiment scores structures that there aren't.
    """
    reading = evidence.reading
    ranking = _by_rank(tables.internal(reading.counted(evidence.cases)), evidence)
    order = _as_printed(ranking, evidence.networks) if reading.order == "paper" else ranking
    every = _in_order(evidence.cases, order)
    scored = with_found_distances(reading.counted(every))
    partial = scored["variant"].isin(list(evidence.incomplete))
    cases, ranked = tables.internal(scored), scored[~partial] if partial.any() else scored
    complete = tables.internal(ranked)
    voxel = tables.voxel_mm(cases)
    metrics, summary, pooled = told(voxel), tables.overall(cases), tables.pooled_counts(cases)
    comparisons = {metric: compare(complete, metric) for metric in metrics}
    names = display_names({name: evidence.networks[name] for name in order}, reading.labels)
    ranks, measured = _ranks(comparisons), measure(tables.internal(every))
    training = read_logs(evidence.runs)
    structures = list(every["structure"].unique())
    return Numbers(
        names=names,
        voxel_mm=voxel,
        metrics=metrics,
        tested=tested(reading.absent),
        unscored=tuple(name for name in structures if reading.scored and name not in reading.scored),
        networks=_networks(evidence, names, ranks),
        summary=summary,
        pooled=pooled,
        structures=tables.by_structure(every),
        sizes=tables.sizes(tables.internal(every)),
        subjects=tables.by_subject(cases),
        chosen=tables.of_structures(tables.internal(every), list(six_structures(structures))),
        noise=tables.by_noise(scored),
        misalignment=tables.by_misalignment(scored),
        robustness=robustness(scored),
        external=tables.by_test_cohort(scored),
        missing=tables.by_missing(scored),
        paper=beside_paper(summary, pooled, evidence.networks),
        ranks=ranks,
        variance=variance_components(run_scores(cases)),
        comparisons=comparisons,
        elsewhere={name: compare(own, "dice") for name, own in tables.elsewhere(ranked).items()},
        measured=measured,
        consistency=consistency_of_all(measured),
        training=training,
        costs=costs_of(evidence, comparisons["dice"], training),
        verdict=judge(comparisons, _basis(complete, comparisons["dice"])),
        leader=ranking[0],
    )


def _by_rank(cases: pd.DataFrame, evidence: Evidence) -> list[str]:
    """Complete variants by their mean Dice, then the others by theirs."""
    dice = subject_means(cases).mean().fillna(-1)
    ordered = dice.sort_values(ascending=False, kind="stable").index
    return sorted(map(str, ordered), key=evidence.incomplete.__contains__)


def _as_printed(variants: Sequence[str], networks: Mapping[str, str]) -> list[str]:
    """Variants in the order of the paper's Table 1; those that it doesn't have come last."""
    printed = list(dict.fromkeys(printed_table()["network"]))
    place = {network: position for position, network in enumerate(printed)}
    return sorted(variants, key=lambda variant: place.get(networks[variant], len(printed)))


def _in_order(cases: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    place = {variant: position for position, variant in enumerate(order)}
    return cases.sort_values("variant", key=lambda names: names.map(place), kind="stable", ignore_index=True)


def _ranks(comparisons: Mapping[str, Comparison]) -> pd.DataFrame:
    parts = [one.stability[["variant", "rank"]].assign(metric=metric) for metric, one in comparisons.items()]
    return pd.concat(parts, ignore_index=True)[["metric", "variant", "rank"]]


def _networks(evidence: Evidence, names: Mapping[str, str], ranks: pd.DataFrame) -> pd.DataFrame:
    runs = pd.Series([run.record.variant for run in evidence.runs]).value_counts()
    dice = ranks[ranks["metric"] == "dice"].set_index("variant")["rank"]
    rows = [(name, evidence.networks[name], shown, runs[name], dice.get(name)) for name, shown in names.items()]
    return pd.DataFrame(rows, columns=["variant", "network", "name", "runs", "rank"])


def _basis(cases: pd.DataFrame, comparison: Comparison) -> Basis:
    return Basis(
        groups=len(comparison.scores.dropna()),
        unit="groups of subjects" if has_groups(cases) else "subjects",
        folds=cases["fold"].nunique(),
        seeds=cases["seed"].nunique(),
        trainings=comparison.trainings,
    )


def _named(comparison: Comparison, part: str, metric: str) -> pd.DataFrame:
    table: pd.DataFrame = getattr(comparison, part)
    table = table.reset_index() if table.index.name else table.copy()
    table.insert(0, "metric", metric)
    return table
