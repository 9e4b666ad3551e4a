"""Everything that `petmr check` tells of a subject and `petmr prepare` stores of it, from one reading of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.checks.voxel_checks import (
    check_broken,
    check_classes,
    check_header,
    check_intensities,
    check_range,
    check_sidecar,
    check_unknown_labels,
)
from datamodules.findings import Finding, error, warning
from datamodules.labels.protocol import Protocol
from datamodules.sources.subjects import Subject
from datamodules.volumes.grid import Array, Grid, ras_grid, to_ras
from datamodules.volumes.header import Header
from datamodules.volumes.placement import Placement, check_placement
from datamodules.volumes.read import count_broken, read_labels, read_volume
from datamodules.volumes.resample import resample, with_spacing
from datamodules.volumes.settings import PrepareSettings
from datamodules.volumes.sidecar import acquisition, read_sidecar
from datamodules.volumes.unpack import OversizeError

REFERENCE = "mr"
"""The image whose grid is everyone's where there is no label map."""


@dataclass(frozen=True)
class Aligned:
    """A subject's volumes on one grid.

    Attributes:
        grid: That of the label map's file (or the MR's), to which predictions return.
        header: What that file says of its place besides.
        stored: The RAS grid of the volumes here.
        images: float16 `[M, X, Y, Z]`, scaled to [0, 1].
        label: uint8 class indices `[X, Y, Z]` on `stored`; all background where there is no label map.
        truth: uint8 class indices on `grid`, axes in RAS order; the same array as `label` where that grid is stored.
        scaling: Modality to the intensities that became 0 and 1.
        counts: Number of voxels of each class in `truth`; empty where there is no label map.
    """

    grid: Grid
    header: Header
    stored: Grid
    images: Array
    label: Array
    truth: Array
    scaling: Mapping[str, tuple[float, float]]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Examined:
    """What one reading of a subject gave.

    Attributes:
        findings: Everything found, errors included.
        aligned: The volumes; None where an error kept them from being made.
        acquisition: Modality to what its sidecar tells.
    """

    findings: tuple[Finding, ...]
    aligned: Aligned | None
    acquisition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Image:
    path: Path
    voxels: Array
    grid: Grid


@dataclass(frozen=True)
class _Label(_Image):
    counts: tuple[int, ...]


def examine(subject: Subject, settings: PrepareSettings, protocol: Protocol) -> Examined:
    """Read all files of a subject whole, check them, and bring them onto one grid.

    Nothing is raised for bad data: whatever is wrong becomes a finding, and the other files are still looked at.
    """
    return _Examination(subject, settings, protocol).run()


@dataclass(frozen=True)
class _Examination:
    """One reading of one subject; `findings` grows as it goes on."""

    subject: Subject
    settings: PrepareSettings
    protocol: Protocol
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> Examined:
        label = self.read_label()
        images = {name: image for name in self.subject.images if (image := self.read_image(name))}
        told = {name: self.read_acquisition(name) for name in self.subject.images}
        reference = label or images.get(REFERENCE) or next(iter(images.values()), None)
        if reference is None or (self.subject.label and not label):
            return Examined(tuple(self.findings), None, told)
        try:
            aligned = self.align(images, label, reference)
        except OversizeError as fault:
            self.findings.append(error(self.subject.id, reference.path, "too many voxels", str(fault)))
            return Examined(tuple(self.findings), None, told)
        return Examined(tuple(self.findings), aligned, told)

    def read_label(self) -> _Label | None:
        """Class indices in the file's own axes, unknown ids as background."""
        path = self.subject.label
        if path is None:
            return None
        try:
            ids, grid = read_labels(path)
            self.findings.extend(check_header(self.subject.id, path))
        except (ValueError, OSError) as fault:
            self.tell_unreadable(path, fault)
            return None
        unknown = self.protocol.unknown_labels(ids)
        to_background = self.settings.unknown_to_background
        self.findings.extend(check_unknown_labels(self.subject.id, path, unknown, self.protocol, to_background))
        classes = self.protocol.to_indices(self.protocol.fold_unknown(ids) if unknown else ids)
        counts = count_classes(classes, self.protocol.num_classes)
        voxel_mm3 = float(np.prod(grid.spacing))
        self.findings.extend(check_classes(self.subject.id, path, counts, self.protocol, voxel_mm3))
        return _Label(path, classes, grid, counts)

    def read_image(self, name: str) -> _Image | None:
        """Finite float32 voxels in the file's own axes."""
        path = self.subject.images[name]
        try:
            volume, grid = read_volume(path, self.settings.frames)
            self.findings.extend(check_header(self.subject.id, path))
        except (ValueError, OSError) as fault:
            self.tell_unreadable(path, fault)
            return None
        image = volume.astype(np.float32)
        broken = count_broken(image)
        self.findings.extend(check_broken(self.subject.id, path, broken, self.settings.nan_to_zero))
        if broken:
            image = np.nan_to_num(image, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        self.findings.extend(check_intensities(self.subject.id, path, image, self.settings.scaling_of(name)))
        return _Image(path, image, grid)

    def tell_unreadable(self, path: Path, fault: Exception) -> None:
        self.findings.append(error(self.subject.id, path, "unreadable", str(fault).removeprefix(f"{path}: ")))

    def read_acquisition(self, name: str) -> Mapping[str, Any]:
        """What the sidecar of an image tells of its activity and times."""
        path = self.subject.images[name]
        try:
            sidecar = read_sidecar(path)
        except (ValueError, OSError) as fault:
            self.findings.append(warning(self.subject.id, path, "sidecar", str(fault), "Mend or remove it."))
            return {}
        self.findings.extend(check_sidecar(self.subject.id, path, sidecar))
        return acquisition(sidecar)

    def align(self, images: Mapping[str, _Image], label: _Label | None, reference: _Image) -> Aligned:
        """All volumes on one RAS grid, images scaled; a channel that can't be made stays 0."""
        grid, own = reference.grid, ras_grid(reference.grid)
        spacing = self.settings.spacing
        stored = with_spacing(own, spacing, self.settings.tolerance) if spacing else own
        truth = to_ras(label.voxels, grid)[0] if label else np.zeros(own.shape, np.uint8)
        classes = truth if stored is own else resample(truth, own, stored, order=0)
        scaled = np.zeros((len(self.subject.images), *stored.shape), np.float16)
        limits = {}
        for channel, name in enumerate(self.subject.images):
            if name not in images:
                continue
            image = images[name]
            self.check_place(image, Placement(image.grid, grid, stored, reference.path.name), classes)
            try:
                scaling = self.settings.scaling_of(name).resolve(image.voxels)
            except ValueError:
                continue  # told by check_intensities
            limits[name] = scaling.low, scaling.high
            placed = resample(image.voxels, image.grid, stored, order=1, outside=scaling.low)
            self.check_range(name, placed[classes > 0] if label else placed[placed > 0])
            scaled[channel] = scaling.apply(placed)
        return Aligned(
            grid, Header.of(reference.path), stored, scaled, classes, truth, limits, label.counts if label else ()
        )

    def check_place(self, image: _Image, placement: Placement, classes: Array) -> None:
        subject, least = self.subject.id, self.settings.coverage
        self.findings.extend(check_placement(subject, image.path, placement, classes > 0, least))

    def check_range(self, name: str, brain: Array) -> None:
        path, scaling = self.subject.images[name], self.settings.scaling_of(name)
        self.findings.extend(check_range(self.subject.id, path, name, brain, scaling))


def count_classes(classes: Array, number: int) -> tuple[int, ...]:
    """Number of voxels of each class, counted plane by plane: `bincount` would make 64-bit integers of the whole."""
    total = sum(np.bincount(plane.ravel(), minlength=number) for plane in classes)
    return tuple(int(count) for count in np.asarray(total))
