"""What images a result rests on: simulated or measured, how fine, how many. Nothing in it tells who was scanned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.cohort.store import Cohort
from datamodules.files import parsing, read_json

IMAGES = "images.json"
"""On top of an experiment's runs in a pack, as a pack comes without the cohort."""

SIMULATED, MEASURED, UNKNOWN = "simulated", "measured", "not known if simulated"
ORIGINS = (SIMULATED, MEASURED, f"{MEASURED} and {SIMULATED}", UNKNOWN)


@dataclass(frozen=True)
class Images:
    """Of a cohort.

    Attributes:
        origin: One of `ORIGINS`.
        modalities: Such as pet and mr.
        protocol: Name of the label protocol.
        structures: Of it.
        voxels: Sides in mm, such as "4 × 4 × 4 mm".
        subjects: How many.
        groups: Of subjects that stay together in a fold.
    """

    origin: str
    modalities: Sequence[str]
    protocol: str
    structures: int
    voxels: str
    subjects: int
    groups: int


def images_of(cohort: Cohort) -> Images:
    """What is known of a cohort's images."""
    return Images(
        origin=origin_of(cohort),
        modalities=tuple(cohort.modalities),
        protocol=cohort.protocol.name,
        structures=cohort.protocol.num_classes - 1,
        voxels=_voxels(cohort),
        subjects=len(cohort.subjects),
        groups=len({cohort.groups[subject] for subject in cohort.subjects}),
    )


def packed_images(folders: Iterable[Path]) -> Images | None:
    """What the first of some folders of runs says that says something, as a pack does."""
    for folder in folders:
        with parsing(folder / IMAGES):
            if entry := read_json(folder / IMAGES):
                return Images(**entry)
    return None


def origin_of(cohort: Cohort) -> str:
    """Whether images were simulated, by the manufacturer that their sidecars name; unknown where one names none."""
    makers = [_manufacturer(subject.acquisition) for subject in cohort.subjects.values()]
    if not all(makers):
        return UNKNOWN
    simulated = [SIMULATED in maker.lower() for maker in makers]
    return SIMULATED if all(simulated) else f"{MEASURED} and {SIMULATED}" if any(simulated) else MEASURED


def _manufacturer(acquisition: Mapping[str, Mapping[str, Any]]) -> str:
    named = (str(told["Manufacturer"]) for told in acquisition.values() if told.get("Manufacturer"))
    return next(named, "")


def _voxels(cohort: Cohort) -> str:
    sides = [subject.stored.spacing for subject in cohort.subjects.values()]
    ranges = dict.fromkeys(_range(along) for along in zip(*sides, strict=True))
    return f"{' × '.join(ranges)} mm"


def _range(values: Sequence[float]) -> str:
    least, most = (f"{value:.3g}" for value in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"
