"""The verbs that turn a source into a cohort: simulate, check, prepare, split, picture."""

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, Unpack

from benchmark.verbs.options import SourceOptions

Kind = Literal["folds", "own", "test-only"]


def simulate(
    output: Path,
    *,
    subjects: int = 8,
    labels: Path | None = None,
    size: int = 256,
    spacing: float = 1.0,
    seed: int = 0,
    appearance: Literal["typical", "random"] = "typical",
    processes: int = 1,
) -> None:
    """Simulate a cohort of PET, MR and labels in BIDS layout, with a manifest.csv.

    Args:
        output: Folder to make.
        subjects: How many.
        labels: Folder of FreeSurfer-labelled maps to simulate from; a phantom where not given.
        size: Voxels along each side.
        spacing: Voxel side in millimetres.
        seed: Of everything that is drawn.
        appearance: Typical T1 and FDG, or random contrasts for each subject and modality, to train for any scanner.
        processes: Subjects simulated at a time; the result does not depend on it.
    """
    from benchmark.console import progress, stdout
    from datamodules.simulation.cohort import write_cohort
    from datamodules.sources.subjects import number_of

    with progress("simulate", subjects) as advance:
        write_cohort(
            output,
            subjects=subjects,
            labels=labels,
            size=size,
            spacing=spacing,
            seed=seed,
            appearance=appearance,
            processes=processes,
            progress=advance,
        )
    command = shlex.join(["petmr", "prepare", str(output), "COHORT"])
    stdout.print(f"{number_of(subjects, 'subject')} in {output}. Next: {command}", markup=False)


def check(
    source: Path,
    *,
    json: Path | None = None,
    sheet: Path | None = None,
    all: bool = False,  # noqa: A002  as it is typed
    processes: int = 1,
    **options: Unpack[SourceOptions],
) -> None:
    """Read a source whole and tell every problem in one table; exit code 1 if there is an error. Changes nothing.

    Args:
        source: Manifest CSV, BIDS folder, FreeSurfer subjects, the paper's layout, a label map, or a prepared cohort.
        json: File to write every single finding to.
        sheet: PNG file to draw mid-slices to: PET over MR, structures outlined; further pages of twelve subjects each
            lie beside it.
        all: Print every single finding instead of one row a kind.
        processes: Subjects read at a time.
    """
    from benchmark.console import progress
    from benchmark.figures.pictures.contact_sheet import sheet_of
    from benchmark.verbs.reading import read_listing, refuse_given, settings, show_intensities
    from benchmark.verbs.tables.findings import counts, show_findings, write_findings
    from datamodules.checks.source import check_source
    from datamodules.cohort.store import is_cohort, open_cohort
    from datamodules.cohort.verify import check_cohort
    from datamodules.labels.protocol import load_protocol

    _try_outputs(json, sheet)
    if is_cohort(source):
        refuse_given(options, f"{source} is a prepared cohort: it is checked as it is")
        cohort = open_cohort(source)
        drawing = sheet_of(sheet, cohort.protocol) if sheet else nullcontext()
        with drawing as look, progress("check", len(cohort.subjects)) as advance:
            findings = check_cohort(cohort, processes=processes, progress=advance, look=look)
    else:
        asked = settings(options)
        listing = read_listing(source, options)
        drawing = sheet_of(sheet, load_protocol(asked.protocol)) if sheet else nullcontext()
        with drawing as look, progress("check", len(listing.subjects)) as advance:
            findings = check_source(
                listing, asked, processes=processes, progress=advance, look=look, announce=show_intensities
            )
    show_findings(findings, str(source), every=all)
    if json:
        write_findings(json, findings)
    found = counts(findings)
    if found["error"]:
        raise ValueError(f"{source}: {', '.join(f'{name}s: {number}' for name, number in found.items())}.")


def prepare(
    source: Path,
    cohort: Path,
    *,
    skip_faulty: bool = False,
    json: Path | None = None,
    all: bool = False,  # noqa: A002  as it is typed
    processes: int = 1,
    **options: Unpack[SourceOptions],
) -> None:
    """Validate and preprocess a source into a cohort that every training shares.

    Args:
        source: Manifest CSV, BIDS folder, FreeSurfer subjects, or the paper's layout.
        cohort: Folder to make.
        skip_faulty: Leave out subjects with errors; the cohort says who and why.
        json: File to write every single finding to.
        all: Print every single finding instead of one row a kind.
        processes: Subjects prepared at a time; each takes up to 0.6 GiB at 256 voxels along each side.
    """
    from benchmark.console import progress, stdout
    from benchmark.verbs.reading import origin, read_listing, refusal, settings, show_intensities
    from benchmark.verbs.tables.findings import show_findings, write_findings
    from datamodules.cohort.prepare import prepare as write
    from datamodules.findings import FaultyDataError, refuse_errors
    from datamodules.sources.subjects import number_of

    _try_outputs(json)
    asked = settings(options)
    listing = read_listing(source, options)
    if skip_faulty:
        listing = listing.without_faulty()
    subjects = listing.subjects
    try:
        refuse_errors(listing.findings)
        with progress("prepare", len(subjects)) as advance:
            made = write(
                subjects,
                cohort,
                asked,
                skip_faulty=skip_faulty,
                left_out=listing.left_out,
                origin=origin(source, options),
                processes=processes,
                progress=advance,
                announce=show_intensities,
            )
    except FaultyDataError as fault:
        if json:
            write_findings(json, fault.findings)
        raise refusal(fault.findings, source, (one.id for one in subjects), every=all) from fault
    findings = [*listing.findings, *made.all_findings]
    show_findings(findings, str(source), every=all)
    if json:
        write_findings(json, findings)
    if made.left_out:
        stdout.print(f"Left out: {', '.join(made.left_out)}; {cohort / 'cohort.json'} says why.", markup=False)
    command = shlex.join(["petmr", "run", "EXPERIMENT.yaml", "--cohort", str(cohort)])
    stdout.print(f"{number_of(len(made.subjects), 'subject')} in {cohort}. Next: {command}", markup=False)


def split(cohort: Path, *, folds: int = 5, seed: int = 0, kind: Kind = "folds", json: Path | None = None) -> None:
    """Divide a cohort into folds, or check folds edited by hand, and write their certificate.

    Args:
        cohort: Prepared cohort.
        folds: How many; 1 for the kinds 'own' and 'test-only'.
        seed: Of the draw.
        kind: Drawn folds, the source's own split (the paper's layout, or a manifest column 'part'), or everyone tested.
        json: File to write what the parts hold and lack to.
    """
    from dataclasses import asdict

    from benchmark.console import show_table, stdout
    from benchmark.verbs.tables.folds import fold_table
    from datamodules.cohort.splits import certify
    from datamodules.cohort.store import open_cohort
    from datamodules.files import write_json

    certificate = certify(open_cohort(cohort), folds, seed, kind)
    show_table(fold_table(certificate.contents), f"Folds {certificate.splits.fingerprint}")
    if json:
        contents = [asdict(content) for content in certificate.contents]
        write_json(json, {"fingerprint": certificate.splits.fingerprint, "contents": contents})
    stdout.print(f"Folds: {certificate.table}; certificate: {certificate.table.with_suffix('.json')}", markup=False)


def picture(cohort: Path, subject: str, output: Path) -> None:
    """Draw one subject of a cohort in three views: every modality, and the structures over the last one.

    Args:
        cohort: Prepared cohort.
        subject: Its id.
        output: File to write, .png or .pdf; without either both are written.
    """
    from benchmark.console import stdout
    from benchmark.figures.pictures.panels import whole_brain
    from benchmark.figures.pictures.scenes import load_scene
    from benchmark.figures.style import FORMATS, house_style, save, write
    from datamodules.cohort.store import open_cohort
    from datamodules.sources.subjects import named

    opened = open_cohort(cohort)
    if subject not in opened.subjects:
        raise ValueError(f"{cohort}: holds no subject '{subject}', but {named(opened.subjects)}.")
    with house_style():
        figure = whole_brain(load_scene(opened, subject, {}))
        drawn = write(figure, output) if output.suffix in FORMATS else save(figure, output)
    stdout.print(f"Picture: {drawn}", markup=False)


def _try_outputs(json: Path | None, sheet: Path | None = None) -> None:
    """Refuse files that can't be written before an hour of reading."""
    from datamodules.files import check_writable

    for path in filter(None, (json, sheet)):
        check_writable(path)
    if sheet and sheet.suffix.lower() != ".png":
        raise ValueError(f"--sheet {sheet}: is drawn as PNG; expected a name that ends in .png.")
