"""Columns of a table of cases (`cases.csv`), by what they hold: one row per case and structure."""

GROUP = "group"  # of subjects that aren't independent, such as scans of one person
STRUCTURE = ("structure", "label")
COUNTS = ("tp", "fp", "fn")
OVERLAPS = ("dice", "jaccard", "sensitivity", "precision", "volume_similarity")
DISTANCES = ("hausdorff_mm", "hausdorff95_mm", "assd_mm")
OF_FOUND = {name: name.replace("_mm", "_found_mm") for name in DISTANCES}
"""Each distance to the same over those structures alone that truth and prediction both have."""
SURFACE_DICE = ("surface_dice_1mm", "surface_dice_2mm")
VOLUMES = ("truth_ml", "prediction_ml")
CONFUSION = ("left_right_confusion",)
STATUS = ("status",)

SCORES = (*COUNTS, *OVERLAPS, *DISTANCES, *SURFACE_DICE, *VOLUMES, *CONFUSION, *STATUS)
"""What two label maps tell."""

UPTAKE = (
    "unit",
    *(f"{side}_{measure}" for side in ("truth", "prediction") for measure in ("mean", "median", "max")),
    "relative_error",
    "within_tolerance",
)
"""What the original PET adds; missing where there is none."""

FOUND = (*SCORES, *OF_FOUND.values(), *UPTAKE)
"""What scoring finds out; every other column says which case and structure a row is about."""

METRICS = (*OVERLAPS, *DISTANCES, *OF_FOUND.values(), *SURFACE_DICE, *CONFUSION)
LOWER_IS_BETTER = (*DISTANCES, *OF_FOUND.values(), *CONFUSION)
"""What is averaged."""
