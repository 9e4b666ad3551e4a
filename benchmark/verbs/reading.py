"""What verbs that read a source make of its options, and what they say of it before they begin."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.labelling.trained import Trained
    from datamodules.checks.intensities import Intensities
    from datamodules.findings import Finding
    from datamodules.sources.subjects import Listing, Selection
    from datamodules.volumes.settings import PrepareSettings

SELECTING = ("pet", "session", "tracer", "run", "segmentation")
BECOMING = ("protocol", "scaling", "spacing", "foreground")
"""Options that say what the voxels of a cohort become."""
READ_AS = {"frames": "frames", "coverage": "coverage", "nan": "nan_to_zero"}
"""Options that change how images are read, not what a network presumes of them, and what settings call them."""
SHOWN = 5
"""Subjects that a sentence asks to exclude by name."""
NAMING = ("layout", "exclude", *SELECTING)
"""Options that say which files of a source are meant."""


def selection(options: Mapping[str, Any], *, labels: bool = True) -> "Selection":
    """Which files the options mean."""
    from datamodules.sources.subjects import Selection

    return Selection.parse(labels=labels, **{name: options.get(name) for name in SELECTING})


def settings(options: Mapping[str, Any]) -> "PrepareSettings":
    """How the options want images prepared."""
    from datamodules.volumes.settings import PrepareSettings

    known = {name: value for name, value in options.items() if name not in NAMING and value is not None}
    return PrepareSettings.parse(**known)


def changed(trained: "Trained", options: Mapping[str, Any]) -> "Trained":
    """A network that is given images read as the options say, where they say it."""
    from dataclasses import replace

    given = {name: options[name] for name in READ_AS if options.get(name) is not None}
    asked = settings(given)
    changes = {READ_AS[name]: getattr(asked, READ_AS[name]) for name in given}
    return replace(trained, settings=replace(trained.settings, **changes))


def origin(source: Path, options: Mapping[str, Any]) -> list[str]:
    """The source and how it is read, as words of a command line; not what its voxels become."""
    words = [str(source.resolve())]
    for name, value in options.items():
        if value is not None and name not in BECOMING:
            values = value if isinstance(value, list) else [value.resolve() if isinstance(value, Path) else value]
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def refuse_given(options: Mapping[str, Any], reason: str) -> None:
    """Refuse options that would be ignored.

    Raises:
        ValueError: Naming them.
    """
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"{reason}; leave away {', '.join(given)}.")


def read_listing(source: Path, options: Mapping[str, Any], *, labels: bool = True) -> "Listing":
    """List the subjects of a source, and say which of its columns or files are taken for what."""
    from benchmark.console import stdout
    from datamodules.sources.find import list_source

    listing = list_source(
        source, options.get("layout"), selection(options, labels=labels), options.get("exclude") or ()
    )
    covariates = dict.fromkeys(name for subject in listing.subjects for name in subject.covariates)
    told = {"Modalities": listing.modalities, "covariates": covariates}
    stdout.print("; ".join(f"{what}: {', '.join(names) or 'none'}" for what, names in told.items()), markup=False)
    return listing


def show_intensities(modalities: "Mapping[str, Intensities]") -> None:
    """Say what the numbers of each modality are and become."""
    from benchmark.console import stdout

    for name, intensities in modalities.items():
        stdout.print(f"{name}: {intensities}", markup=False)


def refusal(findings: "Sequence[Finding]", source: Path, subjects: Iterable[str], *, every: bool = False) -> ValueError:
    """Print errors as a table; returns the sentence to end with, which says how to go on."""
    from benchmark.verbs.tables.findings import show_findings
    from datamodules.sources.subjects import faulty, named, number_of

    show_findings(findings, str(source), every=every)
    whom = list(faulty(findings))
    if any(not finding.subject for finding in findings):
        return ValueError(f"{source}: can't be prepared as it is; the table says why.")
    every_subject = {*subjects, *whom}
    if len(whom) == len(every_subject):
        return ValueError(f"{source}: nobody is sound of {number_of(len(whom), 'subject')}; the table says why.")
    exclude = f"--exclude {shlex.join(whom)} or " if len(whom) <= SHOWN else ""
    return ValueError(
        f"{source}: {len(whom)} of {len(every_subject)} subjects are faulty: {named(whom)}. Mend them and give "
        f"the same command, which goes on with what is ready, or leave them out: {exclude}--skip-faulty."
    )
