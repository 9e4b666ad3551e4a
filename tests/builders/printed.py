"""A table for print."""

import numpy as np

from benchmark.report.sheets.sheet import Sheet, means, numbers, whole

SHEET = Sheet(
    name="overall",
    title="Overall",
    note="Over 5 subjects.",
    corner="Network",
    rows=("cross_fusion", "u&net", "vnet"),
    columns=(
        means("Dice", [0.91, 0.95, 0.7], [0.01, 0.02, np.nan], 2, "higher"),
        means("HD (mm)", [4.0, 2.0, 3.0], [1.0, 1.0, 1.0], 1, "lower"),
        numbers("n", [5, 5, 5], whole),
    ),
)
