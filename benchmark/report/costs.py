"""What networks cost, beside what they score, and which are worth it."""

import pandas as pd

from benchmark.figures.cost_plots import PANELS
from benchmark.figures.curves import PEAK_MEMORY
from benchmark.report.facts import read_costs
from benchmark.runs.evidence import Evidence
from benchmark.statistics.comparison import Comparison
from benchmark.statistics.pareto import pareto_front


def costs_of(evidence: Evidence, comparison: Comparison, training: pd.DataFrame) -> pd.DataFrame:
    """Cost and mean score of every complete variant.

    Args:
        evidence: Whose runs recorded their cost.
        comparison: In Dice.
        training: Of `benchmark.figures.curves.read_logs`.

    Returns:
        One row per variant: variant, n, dice with its 95 % interval low to high, the costs of
        `benchmark.figures.cost_plots.PANELS` (medians over runs; of memory the peak), and for each known one
        `front_COST`: whether no other variant scores as much for as little.
    """
    low, high = comparison.ends
    scores = comparison.intervals[["variant", "n", "mean", low, high]]
    scores = scores.rename(columns={"mean": "dice", low: "low", high: "high"}).dropna(subset=["dice"])
    peaks = training.groupby("variant")[PEAK_MEMORY].max().rename("peak_memory_gib").reset_index()
    costs = scores.merge(read_costs(evidence), on="variant", how="left").merge(peaks, on="variant", how="left")
    known = [cost for cost in PANELS if costs[cost].notna().any()]
    fronts = {f"front_{cost}": pareto_front(costs["dice"], costs[cost]) for cost in known}
    return costs[[*scores, *known]].assign(**fronts)
