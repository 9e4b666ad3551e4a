"""The verbs that use what was trained, and score what anyone has predicted: predict, score, profile."""

from pathlib import Path
from typing import Literal, Unpack

from benchmark.verbs.options import INFERENCE, PredictOptions

CAUTION = (
    "These labels are a quick look, not a measurement: a small network has drawn them that was trained on simulated "
    "images. results/quick/README.md says how far it comes."
)
CAUTION_FILE = "quick-look.txt"


def predict(
    *,
    checkpoint: list[Path],
    output: Path,
    pet: Path | None = None,
    mr: Path | None = None,
    image: list[str] | None = None,
    source: Path | None = None,
    subject: str | None = None,
    device: str | None = None,
    precision: Literal["32", "bf16", "16"] | None = None,
    uncertainty: bool = False,
    trust: list[str] | None = None,
    **options: Unpack[PredictOptions],
) -> None:
    """Label new subjects: FreeSurfer labels on the MR's grid, volumes and uptake of every structure, a picture.

    Args:
        checkpoint: Of a trained network; several are averaged, such as those of the folds. "quick" is a small one that
            comes with the suite, for a first look at any contrasts of PET and MR, also one alone.
        output: Folder to write to; what it holds of other subjects stays.
        pet: PET image of one subject; with a source of FreeSurfer subjects the folder of their PET images.
        mr: MR image of one subject.
        image: Further images of the one subject, by the cohort's names of modalities, such as flair=s1_flair.nii.gz.
        source: Many subjects instead: manifest CSV, BIDS folder, FreeSurfer subjects or the paper's layout.
        subject: Name of the one subject; that of its MR where not given.
        device: Such as cuda or cpu; a GPU where there is one if not given.
        precision: Of the network: 32 bits, or half; where not given as in its training, but 32 on a processor that has
            no instructions for half.
        uncertainty: Also write SUBJECT_entropy.nii.gz: 0 where the network is certain, 1 where it knows nothing.
        trust: Networks of your own that a checkpoint may name, such as my_networks.TinyNet: their code runs.
    """
    from benchmark.console import progress, stdout
    from benchmark.figures.pictures.contact_sheet import draw_sheet
    from benchmark.labelling.devices import choose_device
    from benchmark.labelling.new_subjects import VOLUMES
    from benchmark.labelling.new_subjects import predict as label
    from benchmark.labelling.trained import is_quick, load_ensemble
    from benchmark.verbs.reading import changed
    from benchmark.verbs.subjects import check_choice, images, of_source, one_subject
    from benchmark.verbs.tables.findings import show_findings
    from datamodules.files import check_writable, write_text
    from datamodules.sources.subjects import faulty, named, number_of

    place = choose_device(device)
    check_writable(output / VOLUMES)
    one = images(None if source else pet, mr, image or [])
    check_choice(one, source, subject, options)
    trained = load_ensemble(checkpoint, place, trust or ())
    given = {name: options[name] for name in INFERENCE if options.get(name) is not None}  # type: ignore[literal-required]
    trained = changed(trained, options).adjusted(precision, **given)
    subjects, unsound = (
        of_source(source, {**options, "pet": pet}, trained) if source else (one_subject(one, subject), ())
    )
    with progress("predict", len(subjects)) as advance:
        further = label(trained, subjects, output, draw_sheet, device=place, uncertainty=uncertainty, progress=advance)
    if findings := (*unsound, *further):
        show_findings(findings, str(source or "Images"))
    wrong, every = faulty(findings), len(subjects) + len(faulty(unsound))
    stdout.print(f"{number_of(every - len(wrong), 'subject')} labelled in {output}", markup=False)
    if any(map(is_quick, checkpoint)):
        write_text(output / CAUTION_FILE, f"{CAUTION}\n")
        stdout.print(CAUTION, markup=False)
    if wrong:
        raise ValueError(f"{len(wrong)} of {every} subjects aren't labelled: {named(wrong)}; the table says why.")


def score(
    predictions: Path,
    truth: Path,
    *,
    output: Path = Path("cases.csv"),
    pet: Path | None = None,
    segmentation: str | None = None,
    session: str | None = None,
    frames: str | None = None,
    protocol: str = "aseg45",
    indices: Literal["neither", "predictions", "truth", "both"] = "neither",
    unknown_labels: Literal["refuse", "background"] = "refuse",
    resample: bool = False,
    absent: Literal["penalise", "exclude"] = "penalise",
    partial: bool = False,
    processes: int = 1,
    json: Path | None = None,
) -> None:
    """Score any label maps against any truth; files belong together by subject name. The same command goes on.

    Args:
        predictions: A label map, or a folder of them, such as s1_dseg.nii.gz or FreeSurfer's s1/mri/aseg.mgz.
        truth: A label map, a folder of them, or a source that has them (a manifest, a BIDS tree with derivatives).
        output: Table to write: one row for every subject and structure.
        pet: PET image, a folder of them, or a source that has them, to measure uptake on.
        segmentation: Which of FreeSurfer's label maps is meant, such as aseg or aparc+aseg; the first that knows the
            protocol's structures where not given.
        session: Sessions of a BIDS tree, separated by commas.
        frames: Frames of a dynamic PET to average, such as 3:7 for 3, 4, 5 and 6; the first is 0.
        protocol: Label protocol: aseg45, synthseg32, coarse9, or a table of your own (.tsv).
        indices: Which maps hold class indices of the protocol instead of FreeSurfer labels.
        unknown_labels: What happens to label ids outside the protocol.
        resample: Bring predictions on other grids onto the truth's, nearest voxel, instead of refusing them.
        absent: What a missed or spurious structure pays as distance: the volume's diagonal, or nothing.
        partial: Leave out subjects that not all folders have, instead of refusing.
        processes: Subjects scored at a time.
        json: File to write the summary to.
    """
    from benchmark.console import progress, stdout
    from benchmark.scoring.folders import PET, PREDICTION, TRUTH, ScoreSettings, score_folders
    from benchmark.scoring.matching import match_files
    from benchmark.verbs.tables.scores import show_summary
    from datamodules.files import check_writable
    from datamodules.labels.protocol import load_protocol
    from datamodules.sources.subjects import Selection
    from datamodules.volumes.frames import Frames

    for path in filter(None, (output, json)):
        check_writable(path)
    averaged = Frames.parse(frames) if frames else None
    settings = ScoreSettings(
        load_protocol(protocol), indices, unknown_labels == "background", resample, absent, averaged
    )
    places = {PREDICTION: predictions, TRUTH: truth, **({PET: pet} if pet else {})}
    chosen = Selection.parse(session=session, segmentation=segmentation)
    matches = match_files(places, settings.protocol, selection=chosen, partial=partial)
    with progress("score", len(matches)) as advance:
        cases = score_folders(matches, output, settings, processes=processes, progress=advance)
    title = f"{len(matches)} subject{'s' * (len(matches) > 1)}, {settings.protocol.num_classes - 1} structures"
    show_summary(cases, settings.protocol.names[1:], title, json)
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
        networks: Names, or class paths of your own; all that are shipped where not given.
        patch: Voxels along each side of the input.
        modalities: Channels of the input.
        classes: Background included.
        run: Run each network too, in a process of its own.
        device: Where to run them; a GPU where there is one if not given.
        json: File to write the table to.
        csv: File to write the table to.
        markdown: File to write the rounded table to.
    """
    from benchmark.bench.profile import Sizes, as_text
    from benchmark.bench.profile import profile as measure
    from benchmark.console import show_table
    from benchmark.labelling.devices import choose_device
    from benchmark.text_tables import markdown as as_markdown
    from benchmark.text_tables import records
    from benchmark.verbs.networks import builders
    from datamodules.files import write_csv, write_json, write_text

    chosen = builders(networks)
    place = choose_device(device)
    sizes = Sizes((patch, patch, patch), modalities, classes)
    table = measure(chosen, sizes, device=place if run else None)
    text = as_text(table)
    show_table(text, f"{modalities} modalities, {classes} classes, patches of {patch} voxels a side")
    if json:
        write_json(json, records(table))
    if csv:
        write_csv(csv, table)
    if markdown:
        write_text(markdown, as_markdown(text))
