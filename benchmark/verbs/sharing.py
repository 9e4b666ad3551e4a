"""The verbs that let others take part: pack, adopt, export, shrink."""

import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal


def pack(
    runs: list[Path],
    *,
    output: Path,
    by: str = "",
    only: str = "*",
    predictions: bool = False,
    covariates: list[str] | None = None,
) -> None:
    """Put everything that a table needs of some runs into one zip file, which `petmr report` reads anywhere.

    Args:
        runs: Folders of experiments, such as runs/overall.
        output: The zip file to write.
        by: Who you are, for the readers of the tables: a laboratory, a city.
        only: Pattern over the runs' names, such as 'mine/*'.
        predictions: Take the predicted label maps along.
        covariates: Names of the subjects' covariates to take along, such as sex age; none where not given.
    """
    from benchmark.console import progress, stdout
    from benchmark.runs.evidence import find_runs
    from benchmark.sharing.pack import Contents
    from benchmark.sharing.pack import pack as write
    from datamodules.sources.subjects import number_of

    contents = Contents(by, only, predictions, tuple(covariates or ()))
    with progress("pack", sum(fnmatch(run.name, only) for run in find_runs(runs))) as advance:
        made = write(runs, output, contents, advance)
    stdout.print(
        f"{output}: {number_of(made.runs, 'run')}, {number_of(made.files, 'file')} of {made.size / 2**20:.1f} MiB "
        f"before compression, hash {made.hash}. Next: {shlex.join(['petmr', 'report', str(output)])}",
        markup=False,
    )


def adopt(
    experiment: Path,
    predictions: Path,
    *,
    name: str,
    fold: int,
    seed: int = 0,
    cohort: Path | None = None,
    output: Path | None = None,
    scale: str | None = None,
    tool: str = "",
    indices: bool = False,
    unknown_labels: Literal["refuse", "background"] = "refuse",
) -> None:
    """Take label maps of any tool as the test of one fold: a scored row beside the trained ones, marked as adopted.

    Args:
        experiment: Experiment file, or the name of a shipped one: see `petmr list`.
        predictions: Folder of label maps of all subjects that the fold tests, such as s1_dseg.nii.gz.
        name: Of the row, such as nnunet.
        fold: Whose test part was labelled, from 0.
        seed: Of the tool's run, where there are several.
        cohort: Prepared cohort; the one that the experiment names where not given.
        output: Folder of the runs; runs/NAME where not given.
        scale: One of experiments/scales/, as for `petmr run`.
        tool: What made them, for the readers of the tables, such as 'nnU-Net 2.6'.
        indices: They hold class indices, as `petmr export` writes, instead of FreeSurfer labels.
        unknown_labels: What happens to label ids outside the protocol.
    """
    from benchmark.console import progress, stdout
    from benchmark.experiment.definition import load_experiment
    from benchmark.experiment.workflow import open_for
    from benchmark.sharing.adopt import Adoption
    from benchmark.sharing.adopt import adopt as take

    loaded = load_experiment(experiment, scale)
    opened, runs = open_for(loaded, cohort), output or Path("runs") / loaded.name
    adoption = Adoption(name, fold, seed, tool, indices, unknown_labels == "background")
    with progress("adopt", len(opened.subjects) // loaded.folds) as advance:
        folder = take(loaded, opened, predictions, runs, adoption, advance)
    stdout.print(f"Adopted as {folder.name}. Next: {shlex.join(['petmr', 'report', str(runs)])}", markup=False)


def export(
    layout: Literal["nnunet"],
    cohort: Path,
    output: Path,
    *,
    folds: int = 5,
    seed: int = 0,
    number: int = 1,
    word: str = "petmr",
) -> None:
    """Write a cohort in the layout of another tool, with our folds, so that it trains on what our networks see.

    Args:
        layout: nnunet, the raw dataset of nnU-Net v2.
        cohort: Prepared cohort.
        output: Folder to write to; README.txt in it has the commands that follow.
        folds: How many folds of the cohort.
        seed: Of the folds.
        number: Of the dataset, from 1 to 999.
        word: Name of the dataset.
    """
    from benchmark.console import progress, stdout
    from benchmark.sharing.nnunet import Dataset, export_nnunet
    from datamodules.cohort.splits import load_splits
    from datamodules.cohort.store import open_cohort
    from datamodules.sources.subjects import number_of

    opened = open_cohort(cohort)
    dataset = Dataset(number, word)
    with progress(f"export to {layout}", len(opened.subjects)) as advance:
        raw = export_nnunet(opened, load_splits(opened, folds, seed), output, dataset, advance)
    stdout.print(f"{number_of(len(opened.subjects), 'subject')} in {raw}. Next: {output / 'README.txt'}", markup=False)


def shrink(checkpoint: Path, output: Path) -> None:
    """Write a trained network to give away: what `predict` needs of its checkpoint, in half precision.

    Args:
        checkpoint: Such as runs/overall/uxnet3d/fold-0-seed-0/checkpoints/best.ckpt.
        output: File to write, such as uxnet3d.ckpt.
    """
    from benchmark.console import stdout
    from benchmark.sharing.shrink import shrink as write
    from datamodules.files import check_writable

    check_writable(output)
    size = write(checkpoint, output)
    command = shlex.join(["petmr", "predict", "--checkpoint", str(output), "--mr", "..."])
    stdout.print(f"{output}: {size / 1e6:.1f} MB. Next: {command}", markup=False)
