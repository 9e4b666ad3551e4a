"""What pictures are taken of: one subject's images, its truth and every variant's prediction, on one grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.labelling.predictions import prediction_file
from benchmark.runs.folder import RunFolder
from benchmark.statistics.scores import subject_means
from datamodules.cohort.store import Cohort
from datamodules.labels.protocol import Protocol
from datamodules.volumes.grid import Box, Grid, bounding_box, crop, to_ras
from datamodules.volumes.read import read_labels
from datamodules.volumes.resample import resample

MARGIN = 3
"""Voxels shown around the brain."""


@dataclass(frozen=True)
class Scene:
    """One subject, cut to its brain.

    Attributes:
        subject: Its id.
        images: Modality to intensities `[X, Y, Z]` in [0, 1], RAS.
        truth: Class indices `[X, Y, Z]`.
        predictions: Variant to class indices `[X, Y, Z]`.
        spacing: Voxel sides in mm.
        first_mm: Where the first voxel lies along each axis, from the scanner's origin.
        protocol: What the classes are.
    """

    subject: str
    images: Mapping[str, NDArray[np.float32]]
    truth: NDArray[np.uint8]
    predictions: Mapping[str, NDArray[np.uint8]]
    spacing: tuple[float, float, float]
    first_mm: tuple[float, float, float]
    protocol: Protocol

    @property
    def label_maps(self) -> dict[str, NDArray[np.uint8]]:
        """Truth first, then every prediction."""
        return {"truth": self.truth, **self.predictions}


def load_scene(cohort: Cohort, subject: str, runs: Mapping[str, RunFolder]) -> Scene:
    """Read a subject and the predictions that variants made of it; a prediction whose file is gone is left out.

    Raises:
        ValueError: If a prediction can't be read, or holds labels outside the protocol.
    """
    truth = np.asarray(cohort.label(subject))
    x, y, z = truth.shape
    box = bounding_box(truth > 0, MARGIN) or ((0, x), (0, y), (0, z))
    images = np.asarray(crop(cohort.images(subject), box), dtype=np.float32)
    known = cohort.subjects[subject]
    files = {variant: prediction_file(run.predictions, subject) for variant, run in runs.items()}
    return Scene(
        subject=subject,
        images=dict(zip(cohort.modalities, images, strict=True)),
        truth=crop(truth, box),
        predictions={
            name: crop(_on_stored_grid(cohort, subject, file), box) for name, file in files.items() if file.is_file()
        },
        spacing=known.stored.spacing,
        first_mm=_first_mm(known.stored, known.box, box),
        protocol=cohort.protocol,
    )


def telling_subjects(cases: pd.DataFrame, count: int = 3) -> tuple[str, ...]:
    """Subjects from the one that all variants segment worst to the best one; the median is the middle one."""
    means = subject_means(cases).dropna().mean(axis=1).sort_values(kind="stable")
    places = np.linspace(0, len(means) - 1, min(count, len(means))).round().astype(int)
    return tuple(str(means.index[place]) for place in dict.fromkeys(places.tolist()))


def _first_mm(grid: Grid, outer: Box, inner: Box) -> tuple[float, float, float]:
    """Distance of a box in a box of a grid from the origin, along the grid's own axes."""
    at_origin = np.linalg.solve(grid.matrix[:3, :3], -grid.matrix[:3, 3])
    begin = np.array([outer_side[0] + inner_side[0] for outer_side, inner_side in zip(outer, inner, strict=True)])
    x, y, z = (begin - at_origin) * grid.spacing
    return float(x), float(y), float(z)


def _on_stored_grid(cohort: Cohort, subject: str, file: Path) -> NDArray[np.uint8]:
    known = cohort.subjects[subject]
    labels, grid = read_labels(file)
    turned, turned_grid = to_ras(labels, grid)
    stored = resample(turned, turned_grid, known.stored, order=0)
    return cohort.protocol.to_indices(crop(stored, known.box))
