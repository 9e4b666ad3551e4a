"""A prepared cohort: validated subjects whose volumes all processes share through memory maps.

On disk: `cohort.json` says everything but the voxels; `volumes/<subject>_images.npy` holds float16 `[M, X, Y, Z]` in
[0, 1] and `volumes/<subject>_label.npy` uint8 class indices `[X, Y, Z]`, both in RAS order and cut to the foreground.
Where a subject was resampled (`--spacing`), `volumes/<subject>_truth.npy` keeps the class indices of the label map's
own grid, in RAS order and uncut, to score against.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.checks.together import SPACING_TOLERANCE
from datamodules.cohort.contract import Contract
from datamodules.files import digest
from datamodules.findings import Finding, warning
from datamodules.labels.protocol import LabelRange, Protocol, Structure
from datamodules.sources.subjects import WEIGHT
from datamodules.volumes.grid import Array, Box, Grid, Spacing, from_ras, view_of
from datamodules.volumes.header import Header
from datamodules.volumes.resample import return_labels

INDEX = "cohort.json"
FORMAT = 3
"""Raised with every change of the layout on disk; other formats are refused."""


@dataclass(frozen=True)
class SourceFile:
    """Where an image came from: its absolute path and the hash of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True)
class StoredFile:
    """A volume of the store: its size in bytes, looked at on opening, and its hash, looked at by `petmr check`."""

    size: int
    sha256: str


@dataclass(frozen=True)
class CohortSubject:
    """What a cohort knows of a subject besides its voxels.

    Attributes:
        id: Unique in the cohort.
        group: Subjects of one group never stand in two parts of a fold.
        grid: The label map's own grid, to which predictions return.
        header: What its file says of its place besides.
        stored: The RAS grid of the volumes before they were cut.
        box: The foreground within `stored`, in voxels.
        sources: Role (`pet`, `mr`, `label`) to file.
        volumes: Kind (`images`, `label`, perhaps `truth`) to stored file.
        scaling: Modality to the two intensities that became 0 and 1.
        voxels: Number of voxels of each class on the label map's own grid.
        acquisition: Modality to what its sidecar told: units, injected activity, times.
        covariates: Age, sex, weight or whatever the source told.
        part: Where the source's own split puts it; empty where it has none.
        findings: What checks found that didn't keep it out, resampling included.
    """

    id: str
    group: str
    grid: Grid
    header: Header
    stored: Grid
    box: Box
    sources: Mapping[str, SourceFile]
    volumes: Mapping[str, StoredFile]
    scaling: Mapping[str, tuple[float, float]]
    voxels: tuple[int, ...]
    acquisition: Mapping[str, Mapping[str, Any]]
    covariates: Mapping[str, str]
    part: str
    findings: tuple[Finding, ...]

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "CohortSubject":
        """From its JSON form."""
        x, y, z = ((int(first), int(last)) for first, last in entry["box"])
        return cls(
            id=entry["id"],
            group=entry["group"],
            grid=Grid.from_dict(entry["grid"]),
            header=Header.from_dict(entry["header"]),
            stored=Grid.from_dict(entry["stored"]),
            box=(x, y, z),
            sources={role: SourceFile(**file) for role, file in entry["sources"].items()},
            volumes={kind: StoredFile(**file) for kind, file in entry["volumes"].items()},
            scaling={name: (float(low), float(high)) for name, (low, high) in entry["scaling"].items()},
            voxels=tuple(entry["voxels"]),
            acquisition=dict(entry["acquisition"]),
            covariates=dict(entry["covariates"]),
            part=entry["part"],
            findings=tuple(Finding(**one) for one in entry["findings"]),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the stored, cropped volume."""
        x, y, z = (last - first for first, last in self.box)
        return x, y, z

    @property
    def view(self) -> Spacing:
        """Sides of that volume in millimetres."""
        return view_of(self.box, self.stored)


@dataclass(frozen=True)
class Cohort:
    """A cohort on disk, opened.

    Attributes:
        path: Its folder.
        modalities: Names of the images, in channel order.
        protocol: What the classes are.
        subjects: By id.
        settings: How it was prepared.
        contract: What its voxels are.
        versions: What prepared it.
        findings: What checks found over all subjects; each subject has its own.
        left_out: Subjects of the source that it doesn't hold, and why.
        origin: The source and how it was read, as words of a command line.
    """

    path: Path
    modalities: tuple[str, ...]
    protocol: Protocol
    subjects: Mapping[str, CohortSubject]
    settings: Mapping[str, Any]
    contract: Contract
    versions: Mapping[str, str]
    findings: tuple[Finding, ...]
    left_out: Mapping[str, str]
    origin: Sequence[str]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that a result depends on: source bytes, settings, protocol, groups, what SUV needs."""
        subjects = {
            subject.id: [
                subject.group,
                {role: file.sha256 for role, file in subject.sources.items()},
                subject.acquisition,
                subject.covariates.get(WEIGHT, ""),
            ]
            for subject in self.subjects.values()
        }
        return digest([subjects, self.modalities, self.settings, asdict(self.protocol)])

    @property
    def preparation(self) -> dict[str, Any]:
        """All that brings other images onto this cohort's terms, as plain values: its voxel size always among them."""
        spacing = {"spacing": list(self.contract.spacing), "tolerance": SPACING_TOLERANCE}
        settings = dict(self.settings) if self.settings["spacing"] else {**self.settings, **spacing}
        return {"settings": settings, "protocol": asdict(self.protocol), "contract": self.contract.to_dict()}

    @property
    def groups(self) -> dict[str, str]:
        """Subject to group."""
        return {subject.id: subject.group for subject in self.subjects.values()}

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Those over all subjects, who was left out, then each subject's own."""
        left_out = (warning(name, "", "left out", f"Left out: {why}") for name, why in self.left_out.items())
        own = (finding for subject in self.subjects.values() for finding in subject.findings)
        return (*self.findings, *left_out, *own)

    def images(self, subject: str) -> Array:
        """Memory-mapped images `[M, X, Y, Z]`, float16 in [0, 1]."""
        return self._open(subject, "images")

    def label(self, subject: str) -> Array:
        """Memory-mapped class indices `[X, Y, Z]`, uint8."""
        return self._open(subject, "label")

    def truth(self, subject: str) -> tuple[Array, Grid]:
        """The label map as it was brought: FreeSurfer ids of the protocol on the subject's own grid."""
        known = self.subjects[subject]
        if "truth" not in known.volumes:
            return self.restore(subject, np.asarray(self.label(subject)))
        classes = np.asarray(self._open(subject, "truth"))
        return from_ras(self.protocol.to_labels(classes), known.grid), known.grid

    def restore(self, subject: str, classes: Array) -> tuple[Array, Grid]:
        """Bring class indices on the stored grid back to the subject's own grid, as FreeSurfer ids.

        Without `--spacing` no voxel changes; with it each voxel takes the class of the nearest stored one.

        Args:
            subject: Its id.
            classes: `[X, Y, Z]` class indices, of the stored volume's shape.

        Returns:
            FreeSurfer ids, background where the crop had cut, and the grid they lie on.
        """
        known = self.subjects[subject]
        return return_labels(self.protocol.to_labels(classes), known.box, known.stored, known.grid), known.grid

    def _open(self, subject: str, kind: str) -> Array:
        volume: Array = np.load(self.path / volume_file(subject, kind), mmap_mode="c")  # never written back
        return volume


def volume_file(subject: str, kind: str) -> str:
    """Where a subject's volume of a kind (`images`, `label`, `truth`) lies below the cohort."""
    return f"volumes/{subject}_{kind}.npy"


def is_cohort(path: Path) -> bool:
    """Whether a folder is a prepared cohort."""
    return (path / INDEX).is_file()


def open_cohort(path: Path) -> Cohort:
    """Open a prepared cohort; no voxel is read, but every volume must be there in its full size.

    Raises:
        FileNotFoundError: If `path` holds no prepared cohort, or a volume is gone.
        ValueError: If it has another format, or a volume another size.
    """
    index = path / INDEX
    if not is_cohort(path):
        raise FileNotFoundError(
            f"{path}: is no prepared cohort (no cohort.json). Make one: petmr prepare SOURCE {shlex.quote(str(path))}"
        )
    try:
        entry = json.loads(index.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{index}: is damaged ({error}). Prepare the cohort again.") from error
    if entry.get("format") != FORMAT:
        raise ValueError(f"{index}: has format {entry.get('format')}; expected {FORMAT}. Prepare the cohort again.")
    subjects = [CohortSubject.from_dict(one) for one in entry["subjects"]]
    cohort = Cohort(
        path=path,
        modalities=tuple(entry["modalities"]),
        protocol=protocol_from_dict(entry["protocol"]),
        subjects={subject.id: subject for subject in subjects},
        settings=entry["settings"],
        contract=Contract.from_dict(entry["contract"]),
        versions=entry["versions"],
        findings=tuple(Finding(**one) for one in entry["findings"]),
        left_out=entry["left_out"],
        origin=tuple(entry["origin"]),
    )
    for subject in subjects:
        _check_sizes(cohort, subject)
    return cohort


def protocol_from_dict(entry: Mapping[str, Any]) -> Protocol:
    """A protocol from its JSON form."""
    structures = [Structure(**{**one, "colour": tuple(one["colour"])}) for one in entry["structures"]]
    return Protocol(entry["name"], tuple(structures), tuple(LabelRange(**one) for one in entry["folds"]))


def _check_sizes(cohort: Cohort, subject: CohortSubject) -> None:
    for kind, stored in subject.volumes.items():
        path = cohort.path / volume_file(subject.id, kind)
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{path}: this volume of the cohort is gone. Prepare the cohort again.") from error
        if size != stored.size:
            raise ValueError(
                f"{path}: has {size} bytes; {stored.size} were written. It is corrupt: prepare the cohort again."
            )
