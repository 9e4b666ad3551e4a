"""The physical contract: what the voxels of a cohort are, all that its networks presume without being able to see it.

It is stated once, in `cohort.json` and in every checkpoint, and everything that a network is given is held against it:
other cohorts by `differences`, new images by the checks that `petmr prepare` makes too.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from datamodules.checks.intensities import Intensities
from datamodules.checks.together import SPACING_TOLERANCE
from datamodules.sources.subjects import named
from datamodules.volumes.grid import Spacing
from datamodules.volumes.scaling import Scaling

ORIENTATION = "RAS"
VIEW_TOLERANCE = 1.25
"""How much larger than every head of the training a new one may be, along an axis."""


@dataclass(frozen=True)
class Modality:
    """What the intensities of a modality are.

    Attributes:
        numbers: A unit, FreeSurfer's 0..255, or `arbitrary`.
        scaling: How they became [0, 1], as it is written on the command line.
    """

    numbers: str
    scaling: str


@dataclass(frozen=True)
class Contract:
    """What the voxels of a cohort are.

    Attributes:
        modalities: By name.
        spacing: Voxel sides along the axes, in millimetres.
        orientation: Of the axes.
        view: Sides of the largest head, along each axis, in millimetres.
    """

    modalities: Mapping[str, Modality]
    spacing: Spacing
    orientation: str
    view: Spacing

    @classmethod
    def of(
        cls, intensities: Mapping[str, Intensities], spacings: Sequence[Spacing], views: Sequence[Spacing]
    ) -> "Contract":
        """Of a cohort.

        Args:
            intensities: By modality.
            spacings: Voxel sides of each subject, which differ by no more than `SPACING_TOLERANCE`.
            views: Sides of each subject's head.
        """
        modalities = {name: Modality(one.numbers, str(one.scaling)) for name, one in intensities.items()}
        x, y, z = np.median(spacings, axis=0).tolist()
        wide, deep, high = np.max(views, axis=0).tolist()
        return cls(modalities, (x, y, z), ORIENTATION, (wide, deep, high))

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Contract":
        """From its JSON form."""
        modalities = {name: Modality(**one) for name, one in entry["modalities"].items()}
        (x, y, z), (wide, deep, high) = entry["spacing"], entry["view"]
        return cls(modalities, (x, y, z), entry["orientation"], (wide, deep, high))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "spacing": list(self.spacing), "view": list(self.view)}

    def seen(self, modalities: Sequence[str]) -> "Contract":
        """What a network presumes that sees some modalities, in this order."""
        return Contract({name: self.modalities[name] for name in modalities}, self.spacing, self.orientation, self.view)

    def exceeded_by(self, view: Spacing) -> str:
        """Say that a head is larger than any that this cohort holds; empty where it isn't."""
        if all(side <= VIEW_TOLERANCE * largest for side, largest in zip(view, self.view, strict=True)):
            return ""
        return f"What is left after cropping measures {in_mm(view)}; in training it was at most {in_mm(self.view)}."


def differences(one: Contract, labels: Sequence[int], other: Contract, other_labels: Sequence[int]) -> list[str]:
    """In what two contracts, with the labels of their classes, contradict each other, in a few words each."""
    names, others = tuple(one.modalities), tuple(other.modalities)
    found = []
    if names != others:
        found.append(f"modalities {', '.join(names)} against {', '.join(others)}")
    found += _spacings(one.spacing, other.spacing)
    found += _labels(labels, other_labels)
    for name in (name for name in names if name in others):
        mine, its = one.modalities[name], other.modalities[name]
        if mine.scaling != its.scaling:
            found.append(f"{name} scaled {mine.scaling} against {its.scaling}")
        elif mine.numbers != its.numbers and not Scaling.parse(mine.scaling).percentile:
            found.append(f"{name} in {mine.numbers} against {its.numbers}")
    return found


def prepare_command(origin: Sequence[str], output: str, contract: Contract, protocol: str) -> str:
    """The command that prepares a source by a contract.

    Args:
        origin: The source and how it is read, as on a command line.
        output: Folder to make.
        contract: What it shall be like.
        protocol: Name or table of the label protocol.
    """
    scaling = {name: one.scaling for name, one in contract.modalities.items()}
    entries = ", ".join(f'"{name}": "{text}"' for name, text in scaling.items())
    source, *reading = origin or ("SOURCE",)
    words = [source, output, *reading, "--protocol", protocol, "--spacing", written(contract.spacing)]
    return f"petmr prepare {shlex.join(words)} --scaling {shlex.quote(f'{{{entries}}}')}"


def written(spacing: Spacing) -> str:
    """Voxel sides as `--spacing` takes them: one number for cubes."""
    texts = [f"{side:.4g}" for side in spacing]
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def in_mm(sides: Spacing) -> str:
    """Whole millimetres for reading."""
    return " x ".join(f"{side:.0f}" for side in sides) + " mm"


def alike(spacing: Spacing, other: Spacing) -> bool:
    """Whether voxel sizes are the same to a network."""
    return bool(np.allclose(spacing, other, rtol=SPACING_TOLERANCE, atol=0))


def _spacings(spacing: Spacing, other: Spacing) -> list[str]:
    return [] if alike(spacing, other) else [f"spacing {written(spacing)} against {written(other)}"]


def _labels(labels: Sequence[int], others: Sequence[int]) -> list[str]:
    if tuple(labels) == tuple(others):
        return []
    if len(labels) != len(others):
        return [f"{len(labels)} classes against {len(others)}"]
    mine, its = ([label for label in a if label not in b] for a, b in ((labels, others), (others, labels)))
    return [f"classes {named(mine, 3)} against {named(its, 3)}" if mine else "the same classes in another order"]


def protocol_words(name: str, asked_for: str) -> str:
    """How a cohort's protocol is asked for: the path of a table, or the name of a shipped one."""
    return asked_for if asked_for.endswith(".tsv") else name
