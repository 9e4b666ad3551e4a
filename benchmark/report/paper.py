"""The paper's printed Table 1 beside ours: differences, and how far the rankings agree."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from benchmark.statistics.ranking import kendall_tau

OURS = {"hausdorff_mm": "hausdorff_found_mm"}
"""Printed metric to ours beside it: the paper's distances can't hold a structure that a network missed."""

PRINTED = Path(__file__).parents[2] / "results" / "paper" / "table1.csv"
"""Installed beside this package, as every room of the project is."""


SUBJECTS = 110
"""Of the paper's cohort."""

EARLIER = PRINTED.with_name("earlier.csv")
CONTRASTED = {"unet3d": "Tang et al.: UNet3D", "cross_fusion": "Tang et al.: cross fusion"}
"""Rows of Table 1 that the earlier papers are set beside."""


def earlier_table() -> pd.DataFrame:
    """What the same group's earlier papers print, between the two rows of Table 1 that it puts into question.

    Returns:
        One row per method and metric: method, subjects, metric, mean, std; NaN where the abstract doesn't say.
    """
    earlier, printed = pd.read_csv(EARLIER), printed_table()
    earlier = earlier.assign(method=earlier["paper"] + ": " + earlier["method"])
    plain, proposed = (
        printed[printed["network"] == network].assign(method=name, subjects=SUBJECTS)
        for network, name in CONTRASTED.items()
    )
    ordered = pd.concat([plain, earlier, proposed], ignore_index=True)[["method", "subjects", "metric", "mean", "std"]]
    return ordered[ordered["metric"].isin(earlier["metric"])].reset_index(drop=True)


def printed_table() -> pd.DataFrame:
    """Table 1 as printed: model, network, metric (as ours is called), mean, std (over what, the paper doesn't say)."""
    return pd.read_csv(PRINTED).replace({"metric": OURS})


def beside_paper(summary: pd.DataFrame, pooled: pd.DataFrame, networks: Mapping[str, str]) -> pd.DataFrame:
    """Join both readings of our scores with the printed ones.

    Args:
        summary: Of `benchmark.scoring.cases.summarise` by variant.
        pooled: Of `benchmark.scoring.cases.pooled` by variant.
        networks: Variant to its network.

    Returns:
        One row per variant and metric that the paper prints: variant, model, metric, printed, printed_std, ours, std,
        pooled, difference (ours minus printed). A network with several variants is left out, as none is
        the paper's row.
    """
    names = list(networks.values())
    alone = {variant: network for variant, network in networks.items() if names.count(network) == 1}
    keys = ["variant", "metric"]
    ours = summary.assign(network=summary["variant"].map(alone)).dropna(subset=["network"])
    joined = ours[[*keys, "network", "mean", "std"]].merge(
        printed_table(), on=["network", "metric"], suffixes=("", "_printed")
    )
    joined = joined.merge(pooled[[*keys, "mean"]], on=keys, how="left", suffixes=("", "_pooled"))
    joined = joined.rename(
        columns={"mean": "ours", "mean_printed": "printed", "std_printed": "printed_std", "mean_pooled": "pooled"}
    )
    joined["difference"] = joined["ours"] - joined["printed"]
    return joined[["variant", "model", "metric", "printed", "printed_std", "ours", "std", "pooled", "difference"]]


def ranking_agreement(comparison: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau-b between the printed ranking of the networks and each of our readings.

    Args:
        comparison: Of `beside_paper`.

    Returns:
        One row per metric: metric, n (networks), tau, p, tau_pooled; NaN below three networks, or where all are equal.
    """
    rows = []
    for metric, table in comparison.groupby("metric", sort=False):
        tau, p = kendall_tau(table["printed"], table["ours"])
        pooled_tau, _ = kendall_tau(table["printed"], table["pooled"])
        rows.append({"metric": metric, "n": len(table), "tau": tau, "p": p, "tau_pooled": pooled_tau})
    return pd.DataFrame(rows, columns=["metric", "n", "tau", "p", "tau_pooled"])
