"""How each modality becomes [0, 1] where nobody has said it: by what the numbers of all its images are."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datamodules.findings import Finding, error
from datamodules.sources.subjects import Subject, named
from datamodules.volumes.read import opens
from datamodules.volumes.scaling import DEFAULT, EVERY, PAPER, PRESUMED, Scaling
from datamodules.volumes.settings import PrepareSettings
from datamodules.volumes.sidecar import read_sidecar
from datamodules.volumes.units import ARBITRARY, CONFORMED, numbers_of

UNTOLD = (ARBITRARY, CONFORMED)
"""What numbers are where nobody tells their unit."""


@dataclass(frozen=True)
class Intensities:
    """What the intensities of a modality are and become; the same for all subjects of a cohort.

    Attributes:
        numbers: A unit, FreeSurfer's 0..255, `arbitrary`, or several units where percentiles make them alike.
        scaling: How they become [0, 1].
        chosen: Whether the scaling was asked for.
        silent: Subjects whose images tell no unit, where others do.
    """

    numbers: str
    scaling: Scaling
    chosen: bool
    silent: tuple[str, ...] = ()

    def __str__(self) -> str:
        why = f"where images tell no unit: {named(self.silent)}" if self.silent else "for such numbers"
        return f"{self.numbers}, {self.scaling.meaning}{'' if self.chosen else f' (default {why})'}"


Announce = Callable[[Mapping[str, Intensities]], None]


def settle(
    subjects: Sequence[Subject], settings: PrepareSettings
) -> tuple[PrepareSettings, dict[str, Intensities], list[Finding]]:
    """Choose the scaling of each modality that the settings leave open; no voxel is read.

    The paper's ranges are for PET in Bq/ml and for an MR that FreeSurfer has conformed; everything else is scaled by
    percentiles. A range, whose ever, needs the same numbers in all images. Images that can't be opened have no say:
    they will be refused or left out, and how the others are scaled isn't theirs to change.

    Args:
        subjects: All of a source.
        settings: What was asked for.

    Returns:
        The settings with a scaling for each modality, what each modality is, and what doesn't fit.

    Raises:
        ValueError: If a scaling is asked for of a modality that there isn't.
    """
    modalities = tuple(dict.fromkeys(name for subject in subjects for name in subject.images))
    unknown = [name for name in settings.scaling if name not in (*modalities, EVERY)]
    if unknown and modalities:
        raise ValueError(f"--scaling names {named(unknown)}; the source has {', '.join(modalities)}.")
    settled: dict[str, Intensities] = {}
    findings: list[Finding] = []
    for name in modalities:
        images = {subject.id: subject.images[name] for subject in subjects if name in subject.images}
        openable = {subject: path for subject, path in images.items() if opens(path)} or images
        numbers = {subject: _numbers(path) for subject, path in openable.items()}
        settled[name] = _settle(name, numbers, settings)
        if not settled[name].scaling.percentile:
            findings += _different(name, images, numbers)
    scaling = {name: one.scaling for name, one in settled.items()}
    return replace(settings, scaling=scaling), settled, findings


def _settle(modality: str, numbers: Mapping[str, str], settings: PrepareSettings) -> Intensities:
    kinds = sorted(set(numbers.values()))
    told = _together(kinds)
    chosen = settings.scaling.get(modality) or settings.scaling.get(EVERY)
    if chosen:
        return Intensities(told, chosen, chosen=True)
    known = modality in PRESUMED and kinds == [PRESUMED[modality]]
    silent = tuple(subject for subject, own in numbers.items() if own in UNTOLD and told not in UNTOLD)
    return Intensities(told, PAPER[modality] if known else DEFAULT, chosen=False, silent=silent)


def _together(numbers: Sequence[str]) -> str:
    """What the numbers of several images are: the units that any of them tells, else what all of them are."""
    told = [own for own in numbers if own not in UNTOLD]
    if told:
        return " and ".join(told)
    return numbers[0] if len(numbers) == 1 else ARBITRARY


def _different(modality: str, images: Mapping[str, Path], numbers: Mapping[str, str]) -> list[Finding]:
    """Images that tell another unit than most of those that tell one."""
    told = {subject: own for subject, own in numbers.items() if own not in UNTOLD}
    if not told:
        return []
    usual = Counter(told.values()).most_common(1)[0][0]
    remedy = f'Convert them, or scale by percentiles: --scaling \'{{"{modality}": "p0.5:p99.5"}}\'.'
    return [
        error(subject, images[subject], "other unit", f"Its numbers are {own}; those of most are {usual}.", remedy)
        for subject, own in told.items()
        if own != usual
    ]


def _numbers(path: Path) -> str:
    try:
        return numbers_of(path, read_sidecar(path))
    except ValueError:  # a damaged sidecar, which is told where it is read
        return numbers_of(path, {})
