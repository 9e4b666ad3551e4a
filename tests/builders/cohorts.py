"""Small cohorts on disk: what most tests need, in a few milliseconds."""

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.cohort.store import Cohort
from datamodules.sources.find import find_subjects
from datamodules.volumes.scaling import PAPER

SIDE = 24
COARSE = PrepareSettings(protocol="coarse9", scaling=PAPER)
LIA = np.array([[-1.0, 0, 0, 90], [0, 0, 1, -80], [0, -1, 0, 70], [0, 0, 0, 1]])


def save(path: Path, volume: np.ndarray, affine: np.ndarray = LIA) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(volume, affine), path)
    return path


def brain(seed: int, side: int = SIDE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PET (Bq/ml), MR (0..255) and FreeSurfer ids: balls of thalamus (10) in white matter (2) in cortex (3)."""
    rng = np.random.default_rng(seed)
    centre = side / 2 + rng.uniform(-1, 1, (3, 1, 1, 1))
    radius = np.sqrt(((np.indices((side,) * 3) - centre) ** 2).sum(0)) / side
    label = np.select([radius < 0.12, radius < 0.25, radius < 0.38], [10, 2, 3], 0).astype(np.int16)
    pet = np.select([label == 3, label == 2, label == 10], [34000, 9000, 31000], 0) + rng.normal(0, 500, label.shape)
    mr = np.select([label == 3, label == 2, label == 10], [96, 160, 132], 4) + rng.normal(0, 4, label.shape)
    return pet.clip(0).astype(np.float32), mr.clip(0, 255).astype(np.float32), label


def write_source(folder: Path, subjects: int = 4, side: int = SIDE, affine: np.ndarray = LIA) -> Path:
    """A manifest CSV with its images; every subject is its own group."""
    lines = ["subject,pet,mr,label,group,weight"]
    for index in range(subjects):
        name = f"s{index}"
        for kind, volume in zip(("pet", "mr", "label"), brain(index, side), strict=True):
            save(folder / name / f"{kind}.nii.gz", volume, affine)
        lines.append(f"{name},{name}/pet.nii.gz,{name}/mr.nii.gz,{name}/label.nii.gz,g{index},70")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def make_cohort(folder: Path, subjects: int = 4, side: int = SIDE) -> Cohort:
    """A prepared cohort with protocol coarse9."""
    manifest = write_source(folder / "source", subjects, side)
    return prepare(find_subjects(manifest), folder / "cohort", COARSE)


def strangers(folder: Path, groups: Sequence[str] = ("x", "y", "z")) -> Path:
    """A manifest of three other people."""
    manifest = write_source(folder, 3)
    for index, group in enumerate(groups):
        for kind, volume in zip(("pet", "mr", "label"), brain(index + 50), strict=True):
            save(folder / f"s{index}/{kind}.nii.gz", volume)
        manifest.write_text(manifest.read_text().replace(f"g{index},", f"{group},"))
    return manifest
