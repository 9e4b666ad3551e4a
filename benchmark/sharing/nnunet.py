"""`petmr export nnunet`: a cohort as nnU-Net's raw dataset, with our folds, so that it trains on what our networks see.

The layout is that of nnU-Net v2 (documentation/dataset_format.md of MIC-DKFZ/nnUNet): a channel a file, contiguous
class indices, `dataset.json`; and `splits_final.json`, which belongs beside what nnU-Net preprocesses. Images are those
of the store, in [0, 1] and cut to the foreground, and so are the labels: `petmr adopt` brings predictions home.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from datamodules.cohort.folds import Fold, Splits
from datamodules.cohort.store import Cohort
from datamodules.files import atomic_path, read_json, write_json, write_text
from datamodules.volumes.grid import Array, cropped

ENDING = ".nii.gz"
BEGUN = "exported.json"
"""Which cohort and folds a folder holds, written first."""

RAW, PREPROCESSED, TESTED = "nnUNet_raw", "nnUNet_preprocessed", "test"

UNMIRRORED = "nnUNetTrainerNoMirroring"
MIRRORS = f"""
Structures of the left and of the right are classes of their own here. nnU-Net's usual trainer mirrors images without
exchanging them, so that it learns to confuse the sides: hence {UNMIRRORED}.
"""


@dataclass(frozen=True)
class Dataset:
    """The names that nnU-Net knows a dataset by: number and word."""

    number: int = 1
    word: str = "petmr"

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 999:
            raise ValueError(f"nnU-Net numbers datasets from 1 to 999, got {self.number}.")
        if not self.word.isidentifier():
            raise ValueError(f"nnU-Net names datasets by one word, got {self.word!r}: use letters, digits and _.")

    @property
    def folder(self) -> str:
        """`Dataset001_petmr`."""
        return f"Dataset{self.number:03d}_{self.word}"


def export_nnunet(
    cohort: Cohort,
    splits: Splits,
    output: Path,
    dataset: Dataset = Dataset(),
    progress: Callable[[str], None] = lambda subject: None,
) -> Path:
    """Write a cohort for nnU-Net; what an interrupted call has written is kept.

    Args:
        cohort: Whose images and labels.
        splits: Its folds.
        output: Gets `nnUNet_raw`, `nnUNet_preprocessed` with the folds, `test` with the images that each fold tests,
            and the commands in `README.txt`.
        dataset: What nnU-Net calls it.
        progress: Called with every subject that is written.

    Returns:
        The raw dataset's folder.

    Raises:
        ValueError: If the folder holds the export of another cohort or of other folds.
    """
    _begin(output, {"cohort": cohort.fingerprint, "splits": splits.fingerprint, "dataset": dataset.folder})
    raw = output / RAW / dataset.folder
    for subject in sorted(cohort.subjects):
        _write_subject(cohort, subject, raw)
        progress(subject)
    write_json(output / PREPROCESSED / dataset.folder / "splits_final.json", [_split(fold) for fold in splits.folds])
    for number, fold in enumerate(splits.folds):
        _link(cohort, fold.test, raw / "imagesTr", output / TESTED / f"fold-{number}")
    write_text(output / "README.txt", _commands(cohort, dataset, len(splits.folds)))
    write_json(raw / "dataset.json", _description(cohort))  # last: with it the dataset is whole
    return raw


def _begin(output: Path, known: Mapping[str, str]) -> None:
    then = read_json(output / BEGUN)
    if then not in ({}, known):
        differing = [f"{key} {then.get(key)} then, {known[key]} now" for key in known if then.get(key) != known[key]]
        raise ValueError(f"{output}: holds the export of something else ({'; '.join(differing)}). Name another folder.")
    write_json(output / BEGUN, known)


def _write_subject(cohort: Cohort, subject: str, raw: Path) -> None:
    known = cohort.subjects[subject]
    affine = cropped(known.stored, known.box).matrix
    for channel, image in enumerate(cohort.images(subject)):
        _write(raw / "imagesTr" / _channel_file(subject, channel), image.astype(np.float32), affine)
    _write(raw / "labelsTr" / f"{subject}{ENDING}", np.asarray(cohort.label(subject)), affine)


def _write(path: Path, volume: Array, affine: Array) -> None:
    if path.is_file():
        return
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _channel_file(subject: str, channel: int) -> str:
    return f"{subject}_{channel:04d}{ENDING}"


def _split(fold: Fold) -> dict[str, list[str]]:
    """As nnU-Net wants it: our validation part validates there as well, and no test subject is in either."""
    return {"train": sorted(fold.train), "val": sorted(fold.validation)}


def _link(cohort: Cohort, subjects: Sequence[str], images: Path, folder: Path) -> None:
    """Put a fold's test images into a folder of their own, as nnU-Net predicts whole folders, without copying them."""
    folder.mkdir(parents=True, exist_ok=True)
    for subject in subjects:
        for channel in range(len(cohort.modalities)):
            link = folder / _channel_file(subject, channel)
            if not link.is_symlink():
                link.symlink_to(os.path.relpath(images / link.name, folder))


def _description(cohort: Cohort) -> dict[str, object]:
    """`dataset.json`."""
    return {
        "channel_names": {str(channel): name.upper() for channel, name in enumerate(cohort.modalities)},
        "labels": {"background": 0} | {name: index for index, name in enumerate(cohort.protocol.names) if index},
        "numTraining": len(cohort.subjects),
        "file_ending": ENDING,
    }


def _commands(cohort: Cohort, dataset: Dataset, folds: int) -> str:
    """What to type next."""
    lines = [
        f"export nnUNet_raw=$PWD/{RAW} nnUNet_preprocessed=$PWD/{PREPROCESSED} nnUNet_results=$PWD/nnUNet_results",
        f"nnUNetv2_plan_and_preprocess -d {dataset.number} --verify_dataset_integrity",
    ]
    options = f"-tr {UNMIRRORED} " if _has_sides(cohort) else ""
    for fold in range(folds):
        found = f"predictions/fold-{fold}"
        lines += [
            f"nnUNetv2_train {options}{dataset.number} 3d_fullres {fold}",
            f"nnUNetv2_predict {options}-d {dataset.number} -c 3d_fullres -f {fold} -i {TESTED}/fold-{fold} -o {found}",
            f"petmr adopt EXPERIMENT.yaml --name nnunet --fold {fold} {found} --indices --cohort COHORT",
        ]
    told = "In this folder, where nnU-Net v2 is installed:\n\n" + "".join(f"    {line}\n" for line in lines)
    return told + (MIRRORS if _has_sides(cohort) else "")


def _has_sides(cohort: Cohort) -> bool:
    return list(cohort.protocol.partners) != list(range(cohort.protocol.num_classes))
