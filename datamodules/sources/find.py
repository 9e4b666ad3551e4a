"""A source of data becomes a list of subjects; one small adapter for each layout."""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from datamodules.findings import refuse_errors
from datamodules.sources.bids import read_bids
from datamodules.sources.freesurfer import read_freesurfer, subject_folders
from datamodules.sources.label_maps import read_label_maps
from datamodules.sources.manifest import MANIFEST, read_manifest
from datamodules.sources.paper_layout import IMAGES, read_paper_layout
from datamodules.sources.subjects import Listing, Selection, Subject, check_images, check_listing, named
from datamodules.volumes.read import is_image

LAYOUTS: dict[str, Callable[[Path, Selection], Listing]] = {
    "manifest": read_manifest,
    "bids": read_bids,
    "freesurfer": read_freesurfer,
    "paper": read_paper_layout,
    "labels": read_label_maps,
}
CHOOSING: dict[str, tuple[str, ...]] = {
    "bids": ("session", "tracer", "run", "segmentation"),
    "freesurfer": ("pet", "segmentation"),
}
"""What of a selection a layout understands; the others need none."""
NOTHING_CHOSEN = Selection()
EXCLUDED = "asked for (--exclude)"


def list_source(
    source: Path,
    layout: str | None = None,
    selection: Selection = NOTHING_CHOSEN,
    exclude: Collection[str] = (),
) -> Listing:
    """List the subjects of a source and everything that is already seen to be wrong with it.

    Args:
        source: A manifest CSV, or a folder of one of the layouts.
        layout: One of `LAYOUTS`; recognised if None.
        selection: Which of several candidates are meant.
        exclude: Subjects to leave out; nothing of them is looked at.

    Raises:
        FileNotFoundError: If there is no such source.
        ValueError: If the layout is unknown or can't be recognised, the source as a whole can't be read, or a subject
            to leave out isn't there.
    """
    found = _read(source, layout, selection)
    known = dict.fromkeys(
        [*(one.id for one in found.subjects), *(one.subject for one in found.findings if one.subject)]
    )
    if strangers := [name for name in exclude if name not in known]:
        raise ValueError(f"--exclude names {named(strangers)}, which {source} doesn't hold; it holds {named(known)}.")
    kept = found.without(dict.fromkeys(exclude, EXCLUDED))
    subjects = tuple(sorted(kept.subjects, key=lambda subject: subject.id))
    if not selection.labels:
        subjects = tuple(replace(subject, label=None) for subject in subjects)
    check = check_listing if selection.labels else check_images
    further = check(subjects, source) if subjects or not kept.findings else []
    return replace(kept, subjects=subjects, findings=(*kept.findings, *further))


def find_subjects(
    source: Path, layout: str | None = None, selection: Selection = NOTHING_CHOSEN
) -> tuple[Subject, ...]:
    """List the subjects of a source that is fit to be prepared, as far as that shows without reading a volume.

    Raises:
        FileNotFoundError: If there is no such source.
        ValueError: As `list_source`; and `FaultyDataError` listing everything that is wrong.
    """
    listing = list_source(source, layout, selection)
    refuse_errors(listing.findings)
    return listing.subjects


def _read(source: Path, layout: str | None, selection: Selection) -> Listing:
    if not source.exists():
        raise FileNotFoundError(f"{source}: there is no such file or folder.")
    name = layout or recognise(source)
    if name not in LAYOUTS:
        raise ValueError(f"Layout '{name}' isn't known: choose one of {', '.join(LAYOUTS)}.")
    given = [field for field in ("pet", "session", "tracer", "run", "segmentation") if getattr(selection, field)]
    if strange := [f"--{field}" for field in given if field not in CHOOSING.get(name, ())]:
        raise ValueError(f"{source}: {', '.join(strange)} means nothing for a source of the layout '{name}'.")
    return LAYOUTS[name](source, selection)


def recognise(source: Path) -> str:
    """Name the layout of a source.

    Raises:
        ValueError: If it has the marks of none.
    """
    if source.is_file():
        marks = {"manifest": source.suffix == ".csv", "labels": is_image(source)}
    else:
        marks = {
            "paper": all((source / folder).is_dir() for folder in IMAGES.values()),
            "bids": (source / "dataset_description.json").is_file() or any(source.glob("sub-*/**/pet")),
            "freesurfer": bool(subject_folders(source)),
            "manifest": (source / MANIFEST).is_file(),
        }
    found = next((name for name, marked in marks.items() if marked), None)
    if found is None:
        raise ValueError(
            f"{source}: its layout isn't recognised: no {MANIFEST}, no dataset_description.json (BIDS), "
            f"no SUBJECT/mri (FreeSurfer), no {' and '.join(IMAGES.values())} (the paper's). "
            f"Name it with --layout: {', '.join(LAYOUTS)}."
        )
    return found
