"""Who wins, by how much, and whether that can be believed: the result of an experiment as data and as sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.statistics.agreement import Interval
from benchmark.statistics.comparison import Comparison
from benchmark.statistics.resampling import LEVEL
from benchmark.statistics.significance import corrected, floor_p


@dataclass(frozen=True)
class Basis:
    """What a result was found over.

    Attributes:
        groups: That were scored.
        unit: What a group is: "subjects", or "groups of subjects".
        folds: Of the cohort.
        seeds: Of each fold's trainings.
        trainings: Trained networks that scored each group.
    """

    groups: int
    unit: str
    folds: int
    seeds: int
    trainings: int

    @property
    def sentence(self) -> str:
        """What the uncertainty is over."""
        over = f"{self.groups} {self.unit}"
        if self.trainings > 1:
            return f"The uncertainty is over {over}, {self.folds} folds and {self.seeds} seeds."
        return (
            f"The uncertainty is over {over} and of these trained networks: with one seed nobody can tell what another "
            "training of the same networks would give."
        )


@dataclass(frozen=True)
class Verdict:
    """The result of an experiment in its leading metric.

    Attributes:
        metric: The leading one.
        leader: The variant with the best mean; empty below two complete variants.
        mean: Its mean with the 95 % interval.
        second: The variant that follows.
        difference: Leader minus second, over groups scored for both, with the 95 % interval.
        p: Of that difference, corrected.
        tied: Variants, from the second on, that no corrected test tells apart from the leader.
        elsewhere: Metric to the variant that leads in it, where that is another one.
        otherwise: Method of ranking the groups' scores to the variant that leads by it, where that is another one.
        first: Share of bootstrap draws in which the leader comes first.
        floor: The smallest corrected p that the tests can reach.
        compared: How many variants are complete.
        basis: What all this is over.
    """

    metric: str
    leader: str
    mean: Interval
    second: str
    difference: Interval
    p: float
    tied: tuple[str, ...]
    elsewhere: Mapping[str, str]
    otherwise: Mapping[str, str]
    first: float
    floor: float
    compared: int
    basis: Basis

    @property
    def decided(self) -> bool:
        """Whether the leader can be told apart from all others."""
        return bool(self.leader) and not self.tied


def judge(comparisons: Mapping[str, Comparison], basis: Basis, metric: str = "dice") -> Verdict:
    """Read the verdict off the comparisons of complete variants, one a metric."""
    lead = comparisons[metric]
    ordered = lead.stability.sort_values("rank", kind="stable")["variant"].tolist()
    if len(ordered) < 2:
        nothing = Interval(np.nan, np.nan, np.nan)
        return Verdict(metric, "", nothing, "", nothing, np.nan, (), {}, {}, np.nan, np.nan, len(ordered), basis)
    leader, second = ordered[:2]
    against = of_leader(lead, leader).loc[ordered[1:]]
    row = lead.intervals.set_index("variant").loc[leader]
    leaders = {name: _first(one) for name, one in comparisons.items() if name != metric}
    return Verdict(
        metric=metric,
        leader=leader,
        mean=_interval(row, "mean", lead.ends),
        second=second,
        difference=_interval(against.loc[second], "difference", lead.ends),
        p=float(against.loc[second, "p"]),
        tied=tuple(against.index[~(against["p"] < LEVEL)]),
        elsewhere={name: other for name, other in leaders.items() if other != leader},
        otherwise={name: other for name, other in _first_by_method(lead).items() if other != leader},
        first=float(lead.stability.set_index("variant").loc[leader, "first"]),
        floor=floor_p(lead.tests),
        compared=len(ordered),
        basis=basis,
    )


def of_leader(comparison: Comparison, leader: str) -> pd.DataFrame:
    """The tests of one variant against each other one, by the other's name.

    Returns:
        n, difference (leader minus other), the ends of its interval as the comparison names them, p_wilcoxon, p_holm
        (of the same test), p (the corrected one that counts).
    """
    tests = comparison.tests
    own = tests[(tests["first"] == leader) | (tests["second"] == leader)]
    turned = (own["second"] == leader).to_numpy()
    low, high = comparison.ends
    sign = np.where(turned, -1.0, 1.0)
    return pd.DataFrame(
        {
            "n": own["n"].to_numpy(),
            "difference": sign * own["difference"].to_numpy(),
            low: np.where(turned, -own[high], own[low]),
            high: np.where(turned, -own[low], own[high]),
            "p_wilcoxon": own["p"].to_numpy(),
            "p_holm": own["p_holm"].to_numpy(),
            "p": own[corrected(tests)].to_numpy(),
        },
        index=own["first"].where(turned, own["second"]).to_numpy(),
    )


def sentences(verdict: Verdict, names: Mapping[str, str], headings: Mapping[str, str]) -> dict[str, str]:
    """The verdict in words.

    Args:
        verdict: Of `judge`.
        names: Variant to its name for print.
        headings: Metric to its name for print.

    Returns:
        What a reader asks, in a word, to the answer: who leads and by how much; who can't be told apart from it; which
        metrics disagree; what it is over.
    """
    if not verdict.leader:
        return {"Leader": "Fewer than two networks are complete, so none can be said to lead."}
    told = {
        "Leader": _lead(verdict, names, headings),
        "Ties": _tied(verdict, names),
        "Elsewhere": _elsewhere(verdict, names, headings),
        "Over what": verdict.basis.sentence,
    }
    return {question: answer for question, answer in told.items() if answer}


def _lead(verdict: Verdict, names: Mapping[str, str], headings: Mapping[str, str]) -> str:
    mean, apart = verdict.mean, verdict.difference
    return (
        f"{names[verdict.leader]} has the best mean {headings[verdict.metric]}, {mean.value:.4f} (95 % interval "
        f"{mean.low:.4f} to {mean.high:.4f}): {_signed(apart.value)} against {names[verdict.second]} "
        f"({_signed(apart.low)} to {_signed(apart.high)}, p {_p(verdict.p)} after Holm), and first in "
        f"{100 * verdict.first:.0f} % of bootstrap draws."
    )


def _tied(verdict: Verdict, names: Mapping[str, str]) -> str:
    subject = "of the methods" if verdict.basis.trainings > 1 else "of these trained networks"
    if verdict.floor > LEVEL:
        return (
            f"No test could tell any two {subject} apart: with {verdict.basis.groups} {verdict.basis.unit} and "
            f"{verdict.compared} networks a corrected p is at least {verdict.floor:.2g}."
        )
    if not verdict.tied:
        return f"It can be told apart from every other one ({subject}, corrected p below {LEVEL})."
    if 1 < len(verdict.tied) == verdict.compared - 1:
        return f"It can't be told apart from any other one ({subject}, at {LEVEL})."
    return f"It can't be told apart from {_list([names[name] for name in verdict.tied])} ({subject}, at {LEVEL})."


def _elsewhere(verdict: Verdict, names: Mapping[str, str], headings: Mapping[str, str]) -> str:
    by_metric = {headings[metric]: other for metric, other in verdict.elsewhere.items()}
    by_method = {f"the {method} of {headings[verdict.metric]}": other for method, other in verdict.otherwise.items()}
    led: dict[str, list[str]] = {}
    for what, other in {**by_metric, **by_method}.items():
        led.setdefault(names[other], []).append(what)
    told = "; ".join(f"{other} leads in {_list(where)}" for other, where in led.items())
    return f"Other readings disagree: {told}." if told else ""


def _first_by_method(comparison: Comparison) -> dict[str, str]:
    """Every method of ranking to the one variant that is first by it; methods that have several first are left out."""
    first = comparison.methods[comparison.methods["rank"] == 1]
    return {
        str(name): str(own["variant"].iloc[0]) for name, own in first.groupby("method", sort=False) if len(own) == 1
    }


def _first(comparison: Comparison) -> str:
    ordered = comparison.stability.sort_values("rank", kind="stable")
    return str(ordered["variant"].iloc[0])


def _interval(row: "pd.Series[float]", value: str, ends: tuple[str, str]) -> Interval:
    return Interval(float(row[value]), float(row[ends[0]]), float(row[ends[1]]))


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _signed(value: float) -> str:
    rounded = round(value, 4) + 0.0
    return f"{rounded:+.4f}".replace("-", "−") if rounded else "0.0000"


def _p(value: float) -> str:
    return "unknown" if np.isnan(value) else "< 0.001" if value < 0.001 else f"= {value:.3f}"
