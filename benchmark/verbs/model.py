"""The verbs that use what was trained, and score what anyone has predicted: predict, score, profile."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from datamodules.sources.subjects import Subject


class InferenceOptions(TypedDict, total=False):
    """How subjects are labelled; as in the network's test where not given.

    Args:
        weights: Of the voxels of a window: constant, or gaussian to trust its middle more than its rim.
        overlap: Share of a window that its neighbour covers too, in [0, 1).
        batch: Windows given to the network at once.
        foreground: Whether windows cover only the box of all voxels above zero.
        mirror: Whether to average with the left-right mirror image.
    """

    weights: Literal["constant", "gaussian"] | None
    overlap: float | None
    batch: int | None
    foreground: bool | None
    mirror: bool | None


def predict(
    *,
    checkpoint: list[Path],
    output: Path,
    pet: Path | None = None,
    mr: Path | None = None,
    image: list[str] | None = None,
    source: Path | None = None,
    layout: str | None = None,
    subject: str | None = None,
    device: str | None = None,
    precision: Literal["32", "bf16", "16"] | None = None,
    uncertainty: bool = False,
    **options: Unpack[InferenceOptions],
) -> None:
    """Label new subjects: FreeSurfer labels on the MR's grid, volumes and uptake of every structure, a picture.

    Args:
        checkpoint: Of a trained network; several are averaged, such as those of the folds.
        output: Folder to write to.
        pet: PET image of one subject.
        mr: MR image of one subject.
        image: Further images of the one subject, by the cohort's names of modalities, such as flair=s1_flair.nii.gz.
        source: Many subjects instead: manifest CSV (with any modalities), BIDS folder or the paper's layout.
        layout: Of the source; recognised where not given.
        subject: Name of the one subject; that of its MR where not given.
        device: Such as cuda or cpu; a GPU where there is one if not given.
        precision: Of the network: 32 bits, or half; as in its training where not given.
        uncertainty: Also write SUBJECT_entropy.nii.gz: 0 where the network is certain, 1 where it knows nothing.
    """
    import torch

    from benchmark.console import progress, stdout
    from benchmark.figures.contact_sheet import draw_sheet
    from benchmark.labelling.new_subjects import predict as label
    from benchmark.labelling.trained import load_ensemble
    from benchmark.verbs.finding_tables import show_findings

    subjects = _subjects(_images(pet, mr, image or []), source, layout, subject)
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    trained = load_ensemble(checkpoint, place).adjusted(precision, **given)
    with progress("predict", len(subjects)) as advance:
        findings = label(trained, subjects, output, draw_sheet, device=place, uncertainty=uncertainty, progress=advance)
    if findings:
        show_findings(findings, "Images")
    stdout.print(f"{len(subjects)} subjects labelled in {output}", markup=False)


def score(
    predictions: Path,
    truth: Path,
    *,
    output: Path = Path("cases.csv"),
    pet: Path | None = None,
    protocol: str = "aseg45",
    indices: Literal["neither", "predictions", "truth", "both"] = "neither",
    unknown_labels: Literal["refuse", "background"] = "refuse",
    resample: bool = False,
    absent_distance: Literal["diagonal", "excluded"] = "diagonal",
    partial: bool = False,
    processes: int = 1,
    json: Path | None = None,
) -> None:
    """Score any label maps against any truth; files belong together by subject name. The same command goes on.

    Args:
        predictions: Folder of label maps, such as s1_dseg.nii.gz or s1/mri/aseg.mgz.
        truth: Folder of label maps.
        output: Table to write: one row for every subject and structure.
        pet: Folder of PET images to measure uptake on.
        protocol: Label protocol: aseg45, synthseg32, coarse9, or a table of your own (.tsv).
        indices: Which maps hold class indices of the protocol instead of FreeSurfer labels.
        unknown_labels: What happens to label ids outside the protocol.
        resample: Bring predictions on other grids onto the truth's, nearest voxel, instead of refusing them.
        absent_distance: What a missed or spurious structure pays as distance.
        partial: Leave out subjects that not all folders have, instead of refusing.
        processes: Subjects scored at a time.
        json: File to write the summary to.
    """
    from benchmark.console import progress, show_table, stdout
    from benchmark.scoring.cases import summarise
    from benchmark.scoring.folders import PET, PREDICTION, TRUTH, ScoreSettings, score_folders
    from benchmark.scoring.matching import match_files
    from benchmark.scoring.summary import summary_text
    from benchmark.text_tables import records
    from datamodules.files import write_json
    from datamodules.labels.protocol import load_protocol

    settings = ScoreSettings(
        load_protocol(protocol), indices, unknown_labels == "background", resample, absent_distance
    )
    folders = {PREDICTION: predictions, TRUTH: truth, **({PET: pet} if pet else {})}
    matches = match_files(folders, partial=partial)
    with progress("score", len(matches)) as advance:
        cases = score_folders(matches, output, settings, processes=processes, progress=advance)
    summary = summarise(cases)
    show_table(summary_text(summary), f"{len(matches)} subjects, {settings.protocol.num_classes - 1} structures")
    if json:
        write_json(json, records(summary))
    stdout.print(f"Cases: {output}", markup=False)


def profile(
    *,
    networks: list[str] | None = None,
    patch: int = 96,
    modalities: int = 2,
    classes: int = 45,
    run: bool = False,
    device: str | None = None,
    json: Path | None = None,
    csv: Path | None = None,
    markdown: Path | None = None,
) -> None:
    """Tell what networks cost: parameters and multiply-adds; with --run also seconds and memory.

    Args:
        networks: Names; all where not given.
        patch: Voxels along each side of the input.
        modalities: Channels of the input.
        classes: Background included.
        run: Run each network too, in a process of its own.
        device: Where to run them; a GPU where there is one if not given.
        json: File to write the table to.
        csv: File to write the table to.
        markdown: File to write the rounded table to.
    """
    import torch

    from benchmark.bench.profile import Sizes, as_text
    from benchmark.bench.profile import profile as measure
    from benchmark.console import show_table
    from benchmark.text_tables import markdown as as_markdown
    from benchmark.text_tables import records
    from datamodules.files import write_csv, write_json, write_text
    from models import NETWORKS

    chosen = networks or list(NETWORKS)
    if unknown := [name for name in chosen if name not in NETWORKS]:
        raise ValueError(f"Network {', '.join(unknown)} isn't known: choose of {', '.join(NETWORKS)}.")
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    sizes = Sizes((patch, patch, patch), modalities, classes)
    table = measure({name: NETWORKS[name] for name in chosen}, sizes, device=place if run else None)
    text = as_text(table)
    show_table(text, f"{modalities} modalities, {classes} classes, patches of {patch} voxels a side")
    if json:
        write_json(json, records(table))
    if csv:
        write_csv(csv, table)
    if markdown:
        write_text(markdown, as_markdown(text))


def _images(pet: Path | None, mr: Path | None, others: list[str]) -> dict[str, Path]:
    """The images of one subject by modality."""
    images = {name: path for name, path in (("pet", pet), ("mr", mr)) if path}
    for text in others:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ValueError(f"--image {text} isn't understood: write a modality and its file: flair=s1.nii.gz.")
        images[name] = Path(path)
    return images


def _subjects(
    images: dict[str, Path], source: Path | None, layout: str | None, name: str | None
) -> "tuple[Subject, ...]":
    """One subject of the images given, or all of a source."""
    from datamodules.findings import refuse_errors
    from datamodules.sources.find import find_unlabelled
    from datamodules.sources.subjects import Subject, check_images
    from datamodules.volumes.read import stem

    if bool(images) == bool(source):
        raise ValueError("Name the images of one subject (--pet and --mr), or many subjects (--source), and not both.")
    if source:
        return find_unlabelled(source, layout)
    own = name or stem(images.get("mr") or next(iter(images.values())))
    subject = Subject(own, images, None, group=own)
    refuse_errors(check_images([subject], Path()))
    return (subject,)
