"""Cases of any number of subjects, networks and structures that contradict nothing, without a voxel."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from benchmark.scoring.absence import settle_distances, settle_overlaps, status_of
from benchmark.scoring.counts import Counts
from benchmark.scoring.overlap import overlap_metrics

DIAGONAL_MM = 300.0


def cases_of(
    subjects: int = 6,
    networks: Sequence[str] = ("cross_fusion", "unet3d"),
    structures: int = 3,
    folds: int = 2,
    seeds: Sequence[int] = (0,),
    skill: Mapping[str, float] | None = None,
    draw: int = 0,
) -> pd.DataFrame:
    """Subject `k` is tested in fold `k % folds`; `skill` is about the share of voxels found, 0.8 if unnamed."""
    generator = np.random.default_rng(draw)
    named = {network: (skill or {}).get(network, 0.8) for network in networks}
    rows = product(named, seeds, range(subjects), range(structures))
    table = pd.DataFrame(list(rows), columns=["variant", "seed", "subject", "label"])
    truth = 1000 * (1 + table["label"].to_numpy()) + generator.integers(0, 300, len(table))
    share = np.clip(table["variant"].map(named) + generator.normal(0, 0.03, len(table)), 0, 1).to_numpy()
    tp = np.round(truth * share).astype(np.int64)
    fp = np.round(truth * (1 - share) * generator.uniform(0.6, 1.2, len(table))).astype(np.int64)
    identity = pd.DataFrame(
        {
            "experiment": "test",
            "variant": table["variant"],
            "network": table["variant"],
            "fold": table["subject"] % folds,
            "seed": table["seed"],
            "identity": table["variant"]
            + "-"
            + (table["subject"] % folds).astype(str)
            + "-"
            + table["seed"].astype(str),
            "cohort": "cohort-a",
            "splits": "splits-a",
            "subject": table["subject"].map("s{:03d}".format),
            "structure": table["label"].map("Structure-{:02d}".format),
            "label": table["label"] + 1,
        }
    )
    return identity.assign(**scores_of(tp, fp, truth - tp, generator))


def scores_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """The columns that follow from counts; distances are drawn, closer for better overlap."""
    counts = Counts(tp, fp, fn)
    status = status_of(counts)
    overlaps = overlap_metrics(counts)
    far = 20 * (1 - overlaps["dice"]) * generator.uniform(0.8, 1.2, len(tp))
    distances = {"hausdorff_mm": far, "hausdorff95_mm": 0.6 * far, "assd_mm": 0.1 * far}
    agreement = {"surface_dice_1mm": overlaps["dice"] ** 0.5, "surface_dice_2mm": overlaps["dice"] ** 0.25}
    uptake = 6 + generator.normal(0, 0.5, len(tp))
    return {
        "tp": tp,
        "fp": fp,
        "fn": fn,
        **settle_overlaps(overlaps, status),
        **settle_distances(distances, status, DIAGONAL_MM),
        **settle_overlaps(agreement, status),
        "truth_ml": counts.truth / 1000,
        "prediction_ml": counts.prediction / 1000,
        "left_right_confusion": np.full(len(tp), np.nan),
        "status": status,
        "truth_mean": np.where(counts.truth > 0, uptake, np.nan),
        "prediction_mean": np.where(counts.prediction > 0, uptake * generator.normal(0.99, 0.02, len(tp)), np.nan),
    }


def with_lost_structure(cases: pd.DataFrame, variant: str, label: int) -> pd.DataFrame:
    """The same cases, but the variant misses one structure in every subject."""
    lost = (cases["variant"] == variant) & (cases["label"] == label)
    truth = (cases.loc[lost, "tp"] + cases.loc[lost, "fn"]).to_numpy()
    none = np.zeros_like(truth)
    changed = cases.copy()
    for column, values in scores_of(none, none, truth, np.random.default_rng(0)).items():
        changed.loc[lost, column] = values
    return changed
