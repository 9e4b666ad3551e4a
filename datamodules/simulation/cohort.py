"""A simulated cohort on disk: BIDS folders, and a manifest of subjects, files and source anatomies."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from datamodules.parallel import end_with_parent
from datamodules.simulation.anatomy import read_anatomy, vary
from datamodules.simulation.bids_files import (
    Participant,
    SubjectFiles,
    draw_participant,
    write_descriptions,
    write_table,
)
from datamodules.simulation.phantom import phantom_labels
from datamodules.simulation.subject import APPEARANCES, Anatomy, simulate

LABEL_MAPS = (".nii", ".nii.gz", ".mgz", ".mgh")


@dataclass(frozen=True)
class PlannedSubject:
    """One subject to simulate; two plans that are equal give the same voxels.

    Attributes:
        number: From 1.
        size: Voxels along each axis.
        spacing: Edge of a voxel, in millimetres.
        seed: Seed of the cohort.
        source: Label map that the anatomy varies; the phantom where None.
        appearance: `typical`, or `random`.
    """

    number: int
    size: int
    spacing: float
    seed: int
    source: Path | None
    appearance: str = "typical"

    @property
    def name(self) -> str:
        """BIDS name."""
        return f"sub-{self.number:03d}"

    @property
    def group(self) -> str:
        """Source anatomy; every phantom is an anatomy of its own."""
        if self.source is None:
            return f"phantom-{self.seed}-{self.number:03d}"
        return self.source.name.removesuffix(".gz").rpartition(".")[0]

    def anatomy(self) -> Anatomy:
        """The subject's anatomy on any grid."""
        seed = (self.seed, self.number, 0)
        if self.source is None:
            return partial(phantom_labels, seed, resolution=self.spacing)
        return partial(vary, read_anatomy(self.source), seed)


def write_cohort(
    output: Path,
    *,
    subjects: int,
    size: int,
    spacing: float,
    seed: int,
    labels: Path | None = None,
    appearance: str = "typical",
    processes: int = 1,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Simulate a cohort; nothing appears under `output` until all of it is written.

    Subject k has the same voxels whatever the number of subjects and processes.

    Args:
        output: Folder to make; it may exist if it is empty.
        subjects: Number of subjects.
        size: Voxels along each axis.
        spacing: Edge of a voxel, in millimetres.
        seed: Seed of everything.
        labels: Folder of FreeSurfer-labelled maps (.nii, .nii.gz, .mgz), taken in turn, each time under a new warp; the
            phantom if None.
        appearance: `typical` T1 and FDG, or `random`: contrasts drawn anew for each subject and modality.
        processes: Processes to work in.
        progress: Called with the name of each subject that is finished.

    Raises:
        ValueError: A number is out of range, or a label map cannot be used.
        FileExistsError: `output` exists and is not empty.
        FileNotFoundError: `labels` holds no label map.
    """
    for name, value, least in (
        ("subjects", subjects, 1),
        ("size", size, 8),
        ("seed", seed, 0),
        ("processes", processes, 1),
    ):
        if value < least:
            raise ValueError(f"{name} is {value}, expected at least {least}.")
    if not spacing > 0:
        raise ValueError(f"spacing is {spacing} mm, expected more than 0.")
    if appearance not in APPEARANCES:
        raise ValueError(f"Appearance '{appearance}' isn't known: choose one of {', '.join(APPEARANCES)}.")
    sources = [None] if labels is None else find_label_maps(labels)
    plans = [PlannedSubject(k + 1, size, spacing, seed, sources[k % len(sources)], appearance) for k in range(subjects)]
    with _all_or_nothing(output) as folder:
        participants = {}
        for plan, participant in _work(folder, plans, processes):
            participants[plan] = participant
            if progress:
                progress(plan.name)
        _write_tables(folder, plans, participants)
        settings = {"subjects": subjects, "size": size, "spacing": spacing, "seed": seed, "appearance": appearance}
        write_descriptions(folder, settings | {"anatomies": sorted({plan.group for plan in plans})})


def find_label_maps(folder: Path) -> list[Path]:
    """List the label maps of a folder by name.

    Raises:
        FileNotFoundError: There is none, or no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder} to take label maps from.")
    maps = sorted(path for path in folder.iterdir() if path.name.endswith(LABEL_MAPS))
    if not maps:
        raise FileNotFoundError(f"{folder} holds no label map: expected files ending in {', '.join(LABEL_MAPS)}.")
    return maps


def write_subject(folder: Path, plan: PlannedSubject) -> Participant:
    """Simulate one subject and write its files under `folder`."""
    participant = draw_participant(np.random.default_rng((plan.seed, plan.number, 2)))
    subject = simulate(
        plan.anatomy(),
        size=plan.size,
        spacing=plan.spacing,
        seed=(plan.seed, plan.number, 1),
        cortical_activity=participant.cortical_activity,
        appearance=plan.appearance,
    )
    SubjectFiles(plan.name).write(folder, subject, plan.spacing, participant)
    return participant


def _work(folder: Path, plans: list[PlannedSubject], processes: int) -> Iterator[tuple[PlannedSubject, Participant]]:
    """Write all subjects, and yield each as it is finished."""
    if processes == 1:
        for plan in plans:
            yield plan, write_subject(folder, plan)
        return
    with ProcessPoolExecutor(min(processes, len(plans)), get_context("spawn"), end_with_parent) as pool:
        jobs = {pool.submit(write_subject, folder, plan): plan for plan in plans}
        try:
            for job in as_completed(jobs):
                yield jobs[job], job.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _write_tables(folder: Path, plans: list[PlannedSubject], participants: dict[PlannedSubject, Participant]) -> None:
    people = [(plan, participants[plan]) for plan in plans]
    columns = ("participant_id", "age", "sex", "weight", "group")
    rows = [(plan.name, person.age, person.sex, person.weight, plan.group) for plan, person in people]
    write_table(folder / "participants.tsv", columns, rows, "\t")
    files = [(plan, SubjectFiles(plan.name)) for plan in plans]
    listing = [(plan.name, f.pet.as_posix(), f.mr.as_posix(), f.label.as_posix(), plan.group) for plan, f in files]
    write_table(folder / "manifest.csv", ("subject", "pet", "mr", "label", "group"), listing, ",")


@contextmanager
def _all_or_nothing(output: Path) -> Iterator[Path]:
    """A folder beside `output` to write in; it becomes `output` at the end, and vanishes if anything goes wrong."""
    output = output.absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise FileExistsError(f"{output} exists and is not an empty folder: remove it or choose another.")
    folder = output.with_name(f".{output.name}.unfinished-{os.getpid()}")
    folder.mkdir(parents=True)
    try:
        yield folder
        folder.rename(output)
    except BaseException:
        shutil.rmtree(folder)
        raise
