"""The subjects that `petmr predict` labels: those of a source, or one of some images."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.labelling.trained import Trained
    from datamodules.findings import Finding
    from datamodules.sources.subjects import Subject


def images(pet: Path | None, mr: Path | None, others: list[str]) -> dict[str, Path]:
    """The images of one subject by modality."""
    images = {name: path for name, path in (("pet", pet), ("mr", mr)) if path}
    for text in others:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ValueError(f"--image {text} isn't understood: write a modality and its file: flair=s1.nii.gz.")
        images[name] = Path(path)
    return images


def check_choice(images: dict[str, Path], source: Path | None, subject: str | None, options: Mapping[str, Any]) -> None:
    """One subject or many, and no option that would be ignored."""
    from benchmark.verbs.reading import NAMING, refuse_given

    if bool(images) == bool(source):
        raise ValueError("Name the images of one subject (--pet and --mr), or many subjects (--source), and not both.")
    if source:
        refuse_given({"subject": subject}, "The subjects of a source have names of their own")
    else:
        naming = {name: value for name, value in options.items() if name in NAMING}
        refuse_given(naming, "These choose among the files of a --source, and there is none")


def one_subject(images: dict[str, Path], name: str | None) -> "tuple[Subject, ...]":
    """One subject of the images given."""
    from datamodules.findings import refuse_errors
    from datamodules.sources.subjects import Subject, check_images
    from datamodules.volumes.read import stem

    own = name or stem(images.get("mr") or next(iter(images.values())))
    subject = Subject(own, images, None, group=own)
    refuse_errors(check_images([subject], Path()))
    return (subject,)


def of_source(
    source: Path, options: Mapping[str, Any], trained: "Trained"
) -> "tuple[tuple[Subject, ...], tuple[Finding, ...]]":
    """The sound subjects of a source, with those of their images that the network's cohort knows; faults of the rest.

    Raises:
        FaultyDataError: If something is wrong with the source as a whole, or nobody is sound.
    """
    from dataclasses import replace

    from benchmark.console import stdout
    from benchmark.verbs.reading import read_listing
    from datamodules.findings import errors, refuse_errors

    listing = read_listing(source, options, labels=False)
    wrong = errors(listing.findings)
    sound = listing.without_faulty()
    refuse_errors(sound.findings if sound.subjects else wrong)
    left = [name for name in listing.modalities if name not in trained.known_modalities]
    if left:
        stdout.print(f"Not read, as the network doesn't know it: {', '.join(left)}", markup=False)
    known = tuple(
        replace(one, images={name: path for name, path in one.images.items() if name not in left})
        for one in sound.subjects
    )
    return known, wrong
