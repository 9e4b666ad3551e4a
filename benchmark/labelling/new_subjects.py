"""New subjects, labelled: any grid and orientation in, FreeSurfer labels on the MR's grid out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.labelling.colour_tables import write_colour_tables
from benchmark.labelling.predictions import prediction_file
from benchmark.labelling.trained import Trained
from benchmark.labelling.whole_subjects import entropy, label_subject, subject_probabilities
from benchmark.scoring.original_pet import MODALITY, body_weight_kg, read_original
from datamodules.checks.snapshot import Snapshot, mid_planes
from datamodules.checks.voxel_checks import SHEET
from datamodules.cohort.unlabelled import Unlabelled, prepare_unlabelled
from datamodules.files import atomic_path
from datamodules.findings import FaultyDataError, Finding, error, note
from datamodules.labels.protocol import Protocol
from datamodules.sources.subjects import Subject
from datamodules.tables import merge_rows
from datamodules.volumes.grid import Array
from datamodules.volumes.placement import LOOK
from datamodules.volumes.write import write_image, write_labels

Draw = Callable[[Path, Sequence[Snapshot], Protocol], None]

VOLUMES = "volumes.csv"


@dataclass(frozen=True)
class Predicted:
    """What became of one subject: its volumes and uptakes, and what checks of its images found."""

    volumes: pd.DataFrame
    findings: tuple[Finding, ...]


def predict(
    trained: Trained,
    subjects: Sequence[Subject],
    output: Path,
    draw: Draw,
    *,
    device: str = "cpu",
    uncertainty: bool = False,
    progress: Callable[[str], None] = lambda subject: None,
) -> list[Finding]:
    """Label subjects into a folder; those of faulty images are left out, and told.

    Args:
        trained: A network, or an ensemble of them.
        subjects: Images by modality; label maps aren't looked at.
        output: Gets SUBJECT_dseg.nii.gz and SUBJECT.png of each, their rows in volumes.csv, and tables of colours.
        draw: Makes a picture file of snapshots.
        device: Where the network is.
        uncertainty: Whether SUBJECT_entropy.nii.gz says how unsure the network is of every voxel.
        progress: Called with the id of each subject that is done.

    Returns:
        What checks of the images found; whoever an error is about isn't labelled.
    """
    findings: list[Finding] = []
    for subject in subjects:
        try:
            chosen = choose_images(subject, trained)
            prepared = prepare_unlabelled(chosen, trained.settings, trained.protocol, trained.contract)
            predicted = _predict_subject(trained, chosen, prepared, output, draw, device)
            if uncertainty:
                _write_entropy(trained, chosen.id, prepared, output, device)
        except FaultyDataError as fault:
            findings += fault.findings
        else:
            findings += predicted.findings
            merge_rows(output / VOLUMES, predicted.volumes, "subject")
            write_colour_tables(output, trained.protocol)
        progress(subject.id)
    return findings


def choose_images(subject: Subject, trained: Trained) -> Subject:
    """The subject without a label map, its images in the order of the network's cohort.

    Raises:
        FaultyDataError: If a modality is unknown, one is missing that the network can't do without, or all are.
    """
    unknown = [name for name in subject.images if name not in trained.known_modalities]
    missing = _missing(subject, trained)
    if len(missing) < len(trained.modalities):
        missing = [name for name in missing if name not in trained.dispensable]
    if unknown or missing:
        wrong = [f"no {', '.join(missing)}"] * bool(missing) + [f"an unknown {', '.join(unknown)}"] * bool(unknown)
        text = (
            f"Has {' and '.join(wrong)}; the network reads {', '.join(trained.modalities)} "
            f"of a cohort that has {', '.join(trained.known_modalities)}."
        )
        raise FaultyDataError([error(subject.id, "", "other images", text)])
    images = {name: subject.images[name] for name in trained.known_modalities if name in subject.images}
    return Subject(subject.id, images, None, subject.group, subject.covariates)


def _missing(subject: Subject, trained: Trained) -> list[str]:
    return [name for name in trained.modalities if name not in subject.images]


def _without(subject: Subject, trained: Trained) -> list[Finding]:
    missing = ", ".join(_missing(subject, trained))
    text = f"Labelled without {missing}, which the network was trained to do without now and then."
    return [note(subject.id, "", "labelled without a modality", text)] if missing else []


def _predict_subject(
    trained: Trained, subject: Subject, prepared: Unlabelled, output: Path, draw: Draw, device: str
) -> Predicted:
    image = _input(trained, prepared, device)
    classes = label_subject(trained.network, image, trained.protocol.partners, trained.inference)
    indices = classes.cpu().numpy()
    restored = prepared.restore(indices)
    with atomic_path(prediction_file(output, subject.id)) as temporary:
        write_labels(temporary, trained.protocol.to_labels(restored), prepared.grid, prepared.header)
    draw(output / f"{subject.id}.png", [_snapshot(subject, prepared, indices)], trained.protocol)
    volumes = _measure(trained, subject, prepared, restored)
    volumes.insert(0, "subject", subject.id)
    found = (_pictured(finding) for finding in prepared.findings)
    return Predicted(volumes, (*found, *_without(subject, trained)))


def _pictured(finding: Finding) -> Finding:
    """Whoever is to look at a sheet of the source finds here a picture beside the labels."""
    return replace(finding, remedy=f"Look at {finding.subject}.png.") if finding.remedy in (SHEET, LOOK) else finding


def _input(trained: Trained, prepared: Unlabelled, device: str) -> Tensor:
    missing = np.zeros_like(next(iter(prepared.images.values())))
    images = [torch.from_numpy(prepared.images.get(name, missing)).float() for name in trained.modalities]
    return torch.stack(images).to(device)


def _write_entropy(trained: Trained, subject: str, prepared: Unlabelled, output: Path, device: str) -> None:
    """Label the subject once more, as its probabilities take as much memory as all classes of it."""
    image = _input(trained, prepared, device)
    shares = subject_probabilities(trained.network, image, trained.protocol.partners, trained.inference)
    with atomic_path(output / f"{subject}_entropy.nii.gz") as temporary:
        write_image(temporary, prepared.restore(entropy(shares).cpu().numpy()), prepared.grid)


def _measure(trained: Trained, subject: Subject, prepared: Unlabelled, indices: Array) -> pd.DataFrame:
    if MODALITY not in subject.images:
        return _volumes(indices, prepared, trained.protocol)
    pet = read_original(
        subject.images[MODALITY],
        prepared.grid,
        trained.protocol,
        sidecar=prepared.acquisition.get(MODALITY, {}),
        weight_kg=body_weight_kg(subject.covariates),
        frames=trained.settings.frames,
        nan_to_zero=trained.settings.nan_to_zero,
    )
    return pet.quantify(indices, trained.protocol)


def _volumes(indices: Array, prepared: Unlabelled, protocol: Protocol) -> pd.DataFrame:
    """Volumes alone, for a network that reads no PET."""
    millilitres = (
        np.bincount(indices.reshape(-1), minlength=protocol.num_classes) * np.prod(prepared.grid.spacing) / 1000
    )
    return pd.DataFrame({"structure": protocol.names, "label": protocol.labels, "ml": millilitres}).iloc[1:]


def _snapshot(subject: Subject, prepared: Unlabelled, indices: Array) -> Snapshot:
    images = np.stack(list(prepared.images.values()))
    return Snapshot(subject.id, tuple(prepared.images), mid_planes(images, indices, prepared.stored.spacing))
