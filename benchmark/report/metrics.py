"""How metrics are printed."""

from dataclasses import dataclass

from benchmark.report.sheet import Better


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
}
"""Columns of the paper's Table 1."""

FURTHER = {
    "hausdorff95_mm": Metric("HD95 (mm)", 2, "lower"),
    "assd_mm": Metric("ASSD (mm)", 2, "lower"),
    "surface_dice_1mm": Metric("Surface Dice 1 mm"),
    "surface_dice_2mm": Metric("Surface Dice 2 mm"),
    "volume_similarity": Metric("Volume similarity"),
}
