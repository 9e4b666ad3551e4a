"""What pictures are taken of: one subject's images, its truth and every variant's prediction, on one grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.labelling.predictions import prediction_file
from benchmark.runs.folder import RunFolder
from benchmark.scoring.columns import GROUP
from benchmark.statistics.significance import subject_scores
from datamodules.cohort.store import Cohort
from datamodules.labels.protocol import Protocol
from datamodules.volumes.grid import bounding_box, crop, to_ras
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
        protocol: What the classes are.
    """

    subject: str
    images: Mapping[str, NDArray[np.float32]]
    truth: NDArray[np.uint8]
    predictions: Mapping[str, NDArray[np.uint8]]
    spacing: tuple[float, float, float]
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
    files = {variant: prediction_file(run.predictions, subject) for variant, run in runs.items()}
    return Scene(
        subject=subject,
        images=dict(zip(cohort.modalities, images, strict=True)),
        truth=crop(truth, box),
        predictions={
            name: crop(_on_stored_grid(cohort, subject, file), box) for name, file in files.items() if file.is_file()
        },
        spacing=cohort.subjects[subject].stored.spacing,
        protocol=cohort.protocol,
    )


def telling_subjects(cases: pd.DataFrame, count: int = 3) -> tuple[str, ...]:
    """Subjects from the one that all variants segment worst to the best one; the median is the middle one."""
    means = subject_scores(cases.drop(columns=GROUP, errors="ignore")).dropna().mean(axis=1).sort_values(kind="stable")
    places = np.linspace(0, len(means) - 1, min(count, len(means))).round().astype(int)
    return tuple(str(means.index[place]) for place in dict.fromkeys(places.tolist()))


def _on_stored_grid(cohort: Cohort, subject: str, file: Path) -> NDArray[np.uint8]:
    known = cohort.subjects[subject]
    labels, grid = read_labels(file)
    turned, turned_grid = to_ras(labels, grid)
    stored = resample(turned, turned_grid, known.stored, order=0)
    return cohort.protocol.to_indices(crop(stored, known.box))
