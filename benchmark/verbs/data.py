"""The verbs that turn a source into a cohort: check, prepare, split."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from datamodules.sources.subjects import Selection
    from datamodules.volumes.settings import PrepareSettings

Kind = Literal["folds", "own", "test-only"]
SELECTING = ("pet", "session", "tracer", "run", "segmentation")


class SourceOptions(TypedDict, total=False):
    """How a source is read.

    Args:
        layout: Of the source: manifest, bids, freesurfer, paper or labels; recognised where not given.
        pet: Folder of PET images named after the subjects, for FreeSurfer subjects.
        session: BIDS sessions, such as baseline,followup; each becomes a scan of its own.
        tracer: BIDS tracer of the PET, such as 18FFDG.
        run: BIDS run.
        segmentation: Part of the name of the label map meant, where there are several.
        protocol: Label protocol: aseg45 (default), synthseg32, coarse9, or a table of your own (.tsv).
        scaling: Modality to range or percentiles, such as '{"pet": "p0.5:p99.5", "mr": "0:255"}'.
        spacing: Side of the voxels to store, in millimetres; the label map's own grid where not given.
        frames: Frames of dynamic images to average, such as 3:7 for 3, 4, 5 and 6; the first is 0.
        foreground: The crop keeps the box of all voxels where any scaled image is above this (default 0.1).
        overlap: Least share of the labelled voxels that every image must cover (default 0.9).
        nan: What happens to NaN and infinite voxels (default refuse).
        unknown_labels: What happens to label ids outside the protocol (default refuse).
    """

    layout: str | None
    pet: Path | None
    session: str | None
    tracer: str | None
    run: str | None
    segmentation: str | None
    protocol: str
    scaling: dict[str, str] | None
    spacing: float | None
    frames: str | None
    foreground: float
    overlap: float
    nan: Literal["refuse", "zero"]
    unknown_labels: Literal["refuse", "background"]


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
    stdout.print(f"{subjects} subjects in {output}. Next: petmr prepare {output} COHORT", markup=False)


def check(
    source: Path,
    *,
    json: Path | None = None,
    sheet: Path | None = None,
    processes: int = 1,
    **options: Unpack[SourceOptions],
) -> None:
    """Read a source whole and tell every problem in one table; exit code 1 if there is an error. Changes nothing.

    Args:
        source: Manifest CSV, BIDS folder, FreeSurfer subjects, the paper's layout, a label map, or a prepared cohort.
        json: File to write all findings to.
        sheet: PNG file to draw mid-slices of every subject to: PET over MR, structures outlined.
        processes: Subjects read at a time.
    """
    from benchmark.console import progress
    from benchmark.figures.contact_sheet import draw_sheet
    from benchmark.verbs.finding_tables import counts, show_findings, write_findings
    from datamodules.checks.source import check_source
    from datamodules.cohort.store import is_cohort, open_cohort
    from datamodules.cohort.verify import check_cohort
    from datamodules.sources.find import list_source

    if is_cohort(source):
        cohort = open_cohort(source)
        with progress("check", len(cohort.subjects)) as advance:
            report = check_cohort(cohort, processes=processes, progress=advance)
    else:
        layout, selection, settings = _reading(options)
        listing = list_source(source, layout, selection)
        with progress("check", len(listing.subjects)) as advance:
            report = check_source(listing, settings, processes=processes, progress=advance)
    show_findings(report.findings, str(source))
    if json:
        write_findings(json, report.findings)
    if sheet:
        draw_sheet(sheet, report.snapshots)
    found = counts(report.findings)
    if found["error"]:
        raise ValueError(f"{source}: {', '.join(f'{name}s: {number}' for name, number in found.items())}.")


def prepare(source: Path, cohort: Path, *, processes: int = 1, **options: Unpack[SourceOptions]) -> None:
    """Validate and preprocess a source into a cohort that every training shares.

    Args:
        source: Manifest CSV, BIDS folder, FreeSurfer subjects, or the paper's layout.
        cohort: Folder to make.
        processes: Subjects prepared at a time; each takes up to 0.6 GiB at 256 voxels along each side.
    """
    from benchmark.console import progress, stdout
    from benchmark.verbs.finding_tables import show_findings
    from datamodules.cohort.prepare import prepare as write
    from datamodules.sources.find import find_subjects

    layout, selection, settings = _reading(options)
    subjects = find_subjects(source, layout, selection)
    with progress("prepare", len(subjects)) as advance:
        made = write(subjects, cohort, settings, processes=processes, progress=advance)
    show_findings(made.all_findings, str(source))
    stdout.print(
        f"{len(subjects)} subjects in {cohort}. Next: petmr run EXPERIMENT.yaml --cohort {cohort}", markup=False
    )


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
    from benchmark.verbs.fold_table import fold_table
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
        output: Stem of the files to write; .png and .pdf are added.
    """
    from benchmark.console import stdout
    from benchmark.figures.panels import whole_brain
    from benchmark.figures.scenes import load_scene
    from benchmark.figures.style import house_style, save
    from datamodules.cohort.store import open_cohort

    opened = open_cohort(cohort)
    if subject not in opened.subjects:
        raise ValueError(f"{cohort}: holds no subject '{subject}', but {', '.join(opened.subjects)}.")
    with house_style():
        drawn = save(whole_brain(load_scene(opened, subject, {})), output)
    stdout.print(f"Picture: {drawn}", markup=False)


def _reading(options: SourceOptions) -> "tuple[str | None, Selection, PrepareSettings]":
    """Layout, selection and settings that the options stand for."""
    from datamodules.sources.subjects import Selection
    from datamodules.volumes.settings import PrepareSettings

    selecting: dict[str, Any] = {name: options.get(name) for name in SELECTING}
    others: dict[str, Any] = {name: value for name, value in options.items() if name not in (*SELECTING, "layout")}
    return options.get("layout"), Selection.parse(**selecting), PrepareSettings.parse(**others)
