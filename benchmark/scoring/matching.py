"""Files of the same subject in different places, found by their names."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.findings import Finding, error, refuse_errors
from datamodules.labels.protocol import Protocol
from datamodules.sources.find import NOTHING_CHOSEN, list_source
from datamodules.sources.freesurfer import AVERAGE, SEGMENTATIONS
from datamodules.sources.subjects import Selection, named
from datamodules.volumes.read import is_image, read_labels, stem

DECORATION = re.compile(
    r"[_.-](dseg|aseg|aparc\+aseg|aparcaseg|seg|segmentation|labels?|truth|gt|pred|prediction|synthseg|pet|suv|suvbw"
    r"|(desc|space|trc|rec|run|res|atlas)-[a-z0-9]+)$",
    re.IGNORECASE,
)
"""What may follow the subject in a file's name, any number of times."""
UNNAMED = re.compile(r"mri|pet|anat|labels?|dseg|aseg|aparc\+aseg|seg|prediction|truth", re.IGNORECASE)
"""Names of files and folders that say what they hold, not of whom: the folder above does."""
RECON = "mri"
"""FreeSurfer's folder of a subject's volumes: several label maps and images side by side, all of the folder above."""


@dataclass(frozen=True)
class Match:
    """One subject's files, by the name of the place that they are from."""

    subject: str
    files: Mapping[str, Path]


def match_files(
    places: Mapping[str, Path], protocol: Protocol, *, selection: Selection = NOTHING_CHOSEN, partial: bool = False
) -> tuple[Match, ...]:
    """Match the images of several places by subject.

    Args:
        places: Role to a folder, whose own folders are looked into as well, to a single file, or to a source (a
            manifest, a BIDS tree with derivatives): its images of that role, else its label maps. Where all are single
            images they belong together whatever their names.
        protocol: Of the label maps: of several that FreeSurfer has made, the first that knows most of its structures.
        selection: By its segmentation, the one of several label maps that is meant instead; by its sessions, those of
            a BIDS tree.
        partial: Whether subjects that only some of the places have are left out rather than refused.

    Raises:
        FileNotFoundError: If a place doesn't exist.
        ValueError: Listing files that are named after one subject, and subjects that a place lacks.
    """
    if all(place.is_file() and is_image(place) for place in places.values()):
        return (Match(subject_of(next(iter(places.values()))), dict(places)),)
    found = {role: _by_subject(place, role, protocol, selection) for role, place in places.items()}
    listed = {role for role, place in places.items() if _is_source(place)}
    others = {subject for role in found.keys() - listed for subject in found[role]}
    found |= {role: _named_as(others, found[role]) for role in listed}
    if alone := {subject for role, files in found.items() if is_image(places[role]) for subject in files}:
        found = {role: {name: files[name] for name in files if name in alone} for role, files in found.items()}
    ambiguous = [finding for role, files in found.items() for finding in _ambiguous(places[role], files)]
    everyone = sorted({subject for files in found.values() for subject in files})
    common = [subject for subject in everyone if all(subject in files for files in found.values())]
    unmatched = [
        finding for role, files in found.items() for finding in _unmatched(role, places[role], files, everyone)
    ]
    refuse_errors([*ambiguous, *(unmatched if not partial or not common else [])])
    return tuple(Match(subject, {role: files[subject][0] for role, files in found.items()}) for subject in common)


def subject_of(path: Path) -> str:
    """The subject that a file is named after: `s1` for s1_dseg.nii.gz, s1/mri/T1.mgz and s1_desc-aseg_dseg.nii."""
    if path.parent.name == RECON:
        return path.parent.parent.name
    name = stem(path)
    while (shorter := DECORATION.sub("", name)) != name:
        name = shorter
    for folder in path.parents:
        if not UNNAMED.fullmatch(name):
            break
        name = folder.name
    return name


def _by_subject(place: Path, role: str, protocol: Protocol, selection: Selection) -> dict[str, list[Path]]:
    if not place.exists():
        raise FileNotFoundError(f"{place}: there is no such file or folder.")
    if is_image(place) and place.is_file():
        return {subject_of(place): [place]}
    if _is_source(place):
        return _of_source(place, role, selection)
    images = [path for path in sorted(place.rglob("*")) if is_image(path)]
    recons = [path for path in images if path.absolute().parent.name == RECON]
    files: dict[str, list[Path]] = {}
    for path in [
        *(path for path in images if path not in set(recons)),
        *_segmentations(recons, protocol, selection.segmentation),
    ]:
        files.setdefault(subject_of(path.absolute()), []).append(path)
    return {subject: _narrowed(paths, selection.segmentation) for subject, paths in files.items()}


def _is_source(place: Path) -> bool:
    if place.is_file():
        return not is_image(place)
    return (place / "dataset_description.json").is_file() and (place / "derivatives").is_dir()


def _named_as(others: Collection[str], files: Mapping[str, list[Path]]) -> dict[str, list[Path]]:
    """A source's files by the names that other places know them by: `sub-1` of one session is also `sub-1_ses-1`."""
    told = {name: subject_of(paths[0]) for name, paths in files.items()}
    return {told[name] if told[name] in others and name not in others else name: files[name] for name in files}


def _of_source(place: Path, role: str, selection: Selection) -> dict[str, list[Path]]:
    """What a manifest or a BIDS tree says of a role; faults that its listing finds in others are none here."""
    listing = list_source(place, selection=selection if place.is_dir() else NOTHING_CHOSEN)
    if not listing.subjects:
        refuse_errors(listing.findings)
    files = {subject.id: subject.images.get(role, subject.label) for subject in listing.subjects}
    return {subject: [path] for subject, path in files.items() if path}


def _narrowed(paths: list[Path], wanted: str | None) -> list[Path]:
    return [path for path in paths if wanted and wanted in path.name] or paths if len(paths) > 1 else paths


def _segmentations(recons: Sequence[Path], protocol: Protocol, wanted: str | None) -> list[Path]:
    """Of the volumes in FreeSurfer's folders the label maps of one kind, the same for all subjects."""
    own = [path for path in recons if not path.parent.parent.name.startswith(AVERAGE)]
    kinds = [kind for kind in SEGMENTATIONS if any(path.name == kind for path in own)]
    others = [path for path in own if path.name not in SEGMENTATIONS]
    if not own or not (kinds or wanted):
        return own
    if wanted is None:
        kind = _best(kinds, own, protocol)
    else:
        names = [*kinds, *dict.fromkeys(path.name for path in others)]
        named_so = [name for name in names if stem(Path(name)) == wanted] or [name for name in names if wanted in name]
        if not named_so:
            raise ValueError(f"No label map is called '{wanted}': there are {named(names)}.")
        kind = named_so[0]
    return [path for path in own if path.name == kind]


def _best(kinds: Sequence[str], files: Sequence[Path], protocol: Protocol) -> str:
    """The kind of label map that knows most of the protocol's structures, judged by the first subject that has it."""
    if len(kinds) == 1:
        return kinds[0]

    def strange(kind: str) -> tuple[int, int]:
        labels, _ = read_labels(next(path for path in files if path.name == kind))
        unknown = protocol.unknown_labels(labels)
        present = set(protocol.to_indices(protocol.fold_unknown(labels)).ravel().tolist())
        return protocol.num_classes - len(present), len(unknown)

    return min(kinds, key=strange)


def _ambiguous(place: Path, files: Mapping[str, list[Path]]) -> Iterable[Finding]:
    for subject, paths in files.items():
        if len(paths) > 1:
            text = f"{len(paths)} files are named after it: {named(path.relative_to(place) for path in paths)}."
            yield error(subject, place, "several files", text, "Leave one, or say which: --segmentation NAME.")


def _unmatched(role: str, place: Path, files: Mapping[str, list[Path]], everyone: list[str]) -> Iterable[Finding]:
    if not everyone:
        yield error("", place, "no image", "Holds no image.", "Check the path.")
    if lacking := [subject for subject in everyone if subject not in files]:
        text = f"Has no {role} of {named(lacking)}; it has {named(files) or 'no image at all'}."
        remedy = "Name files after their subjects; --partial leaves such subjects out."
        yield error("", place, "unmatched", text, remedy)
