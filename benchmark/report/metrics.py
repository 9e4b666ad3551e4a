"""How metrics are printed, and which an experiment has."""

import re
from dataclasses import dataclass

from benchmark.report.sheets.sheet import Better
from benchmark.scoring.absence import Absent


@dataclass(frozen=True)
class Metric:
    """How a metric is printed."""

    heading: str
    digits: int = 4
    better: Better = "higher"


METRICS = {
    "dice": Metric("Dice"),
    "jaccard": Metric("Jaccard"),
    "sensitivity": Metric("Sensitivity"),
    "precision": Metric("Precision"),
    "hausdorff_mm": Metric("HD (mm)", 2, "lower"),
    "hausdorff_found_mm": Metric("HD of found (mm)", 2, "lower"),
}
"""Columns of the paper's Table 1; its distance both ways, see `benchmark.scoring.absence`."""

FURTHER = {
    "hausdorff95_mm": Metric("HD95 (mm)", 2, "lower"),
    "hausdorff95_found_mm": Metric("HD95 of found (mm)", 2, "lower"),
    "assd_mm": Metric("ASSD (mm)", 2, "lower"),
    "assd_found_mm": Metric("ASSD of found (mm)", 2, "lower"),
    "surface_dice_1mm": Metric("Surface Dice 1 mm"),
    "surface_dice_2mm": Metric("Surface Dice 2 mm"),
    "volume_similarity": Metric("Volume similarity"),
}

ALL = {**METRICS, **FURTHER}
HEADINGS = {name: metric.heading for name, metric in ALL.items()}


def tested(absent: Absent) -> tuple[str, ...]:
    """The metrics of Table 1 that are tested: of its distance the reading that leads."""
    left_out = {"penalise": "hausdorff_found_mm", "exclude": "hausdorff_mm"}[absent]
    return tuple(name for name in METRICS if name != left_out)


def told(voxel_mm: float) -> tuple[str, ...]:
    """The metrics that mean something at a voxel size: no surface Dice whose tolerance is below it."""
    return tuple(name for name in ALL if not tolerance_mm(name) < round(voxel_mm, 3))


def tolerance_mm(metric: str) -> float:
    """Tolerance of a surface Dice; infinite for every other metric."""
    found = re.fullmatch(r"surface_dice_(\d+)mm", metric)
    return float(found[1]) if found else float("inf")
