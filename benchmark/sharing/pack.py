"""`petmr pack`: everything that a table needs of some runs in one zip file, and nothing heavy or private.

Equal contents give equal bytes: names are sorted, and times and permissions are always the same.
"""

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmark.report.certificate import PACKED
from benchmark.report.facts import find_cohort
from benchmark.report.sheets.covariates import PACKED as COVARIATES
from benchmark.runs.about import ABOUT
from benchmark.runs.evidence import GRID, Evidence, find_runs, gather, read_grids
from benchmark.runs.images import IMAGES, images_of
from benchmark.runs.objections import FoundRun, case_files, marker_of, name_of
from benchmark.runs.reading import READING
from benchmark.runs.seal import HASHES, broken
from benchmark.sharing.layout import FORMAT, INDEX, files_of_run, is_allowed
from benchmark.sharing.privacy import plain_yaml, public_config, without_paths
from datamodules.cohort.splits import splits_path
from datamodules.cohort.store import Cohort
from datamodules.files import atomic_path, digest, read_json, sha256
from datamodules.sources.subjects import named

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file knows."""

UNIX, READABLE = 3, 0o100644 << 16
"""System and permissions that every file in a pack is said to have."""

CHECKPOINT = "checkpoints/best.ckpt"
CHUNK = 2**20

Files = dict[str, Path | bytes]


@dataclass(frozen=True)
class Contents:
    """What goes into a pack besides what every table needs.

    Attributes:
        by: Who packs, for the readers of the tables.
        only: Pattern over the runs' names.
        predictions: Whether the predicted label maps go along, for pictures where the cohort is.
        covariates: Names of the subjects' covariates that go along.
    """

    by: str = ""
    only: str = "*"
    predictions: bool = False
    covariates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packed:
    """A written pack: how many runs and files it holds, their bytes before compression, and the hash of them all."""

    runs: int
    files: int
    size: int
    hash: str


def pack(
    folders: Sequence[Path],
    output: Path,
    contents: Contents,
    progress: Callable[[str], None] = lambda run: None,
) -> Packed:
    """Write a pack of the runs below some folders, finished or not, so that a report of it says what one of them says.

    Args:
        folders: Of experiments.
        output: The zip file.
        contents: What goes along.
        progress: Called with the name of every run that is in it.

    Raises:
        FileNotFoundError: If a folder isn't there, or no run is complete.
        IsADirectoryError: If a folder has the output's name.
        ValueError: If runs contradict each other, are altered or none is chosen, or a covariate isn't known.
    """
    if gone := [folder for folder in folders if not folder.is_dir()]:
        raise FileNotFoundError(f"{gone[0]}: there is no such folder.")
    if output.is_dir():
        raise IsADirectoryError(f"{output}: is a folder; name the zip file to write, such as {output}.zip.")
    known = {evidence.experiment: evidence for evidence in gather(folders)}
    chosen = [run for run in find_runs(folders) if _is_chosen(run, known, contents.only)]
    if not chosen:
        raise ValueError(f"No run in {', '.join(map(str, folders))} matches '{contents.only}'.")
    _refuse_duplicates(chosen)
    files: Files = {}
    for run in chosen:
        files |= _of_run(run, predictions=contents.predictions)
        progress(run.name)
    for name in {run.record.experiment: None for run in chosen}:
        files |= _of_experiment(known[name], folders, contents)
    if odd := [name for name in files if not is_allowed(name)]:
        raise ValueError(f"{named(odd)}: can't be packed under such a name. Letters, digits and _ . + - name files.")
    return _write(output, files, contents.by, len(chosen))


def _is_chosen(run: FoundRun, known: Mapping[str, Evidence], only: str) -> bool:
    return run.record.experiment in known and fnmatch(run.name, only)


def _refuse_duplicates(runs: Sequence[FoundRun]) -> None:
    counts = Counter(f"{run.record.experiment}/{run.name}" for run in runs)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ValueError(f"{', '.join(twice)}: there is more than one. Pack the folder that counts alone.")


def _of_run(run: FoundRun, *, predictions: bool) -> Files:
    """The files of a run by their names in the pack, without paths, and sworn to as they are there."""
    _refuse_altered(run)
    files: Files = dict(files_of_run(run.folder, predictions=predictions))
    for name, path in files_of_run(run.folder, predictions=False):
        if path.suffix == ".yaml":
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
            files[name] = plain_yaml(public_config(config, run.record.cohort)).encode()
    for name, path in files_of_run(run.folder, predictions=False):
        if path.name in ("done.json", "calibration.json"):
            files[name] = _json(_sworn_anew(without_paths(read_json(path)), files))
    return {f"{run.record.experiment}/{run.name}/{name}": file for name, file in files.items()}


def _refuse_altered(run: FoundRun) -> None:
    markers = [run.folder.done, *(marker_of(file) for file in case_files(run.folder) if file != run.folder.cases)]
    altered = [phrase for marker in markers if marker.is_file() for phrase in broken(run.folder.path, marker)]
    if altered:
        raise ValueError(
            f"{run.record.experiment}/{run.name}: can't be packed: {', '.join(altered)}. Run it again, or leave it out "
            "with --only."
        )


def _sworn_anew(done: dict[str, Any], files: Files) -> dict[str, Any]:
    """A completion marker with the hashes of what is packed; that of the checkpoint, which isn't, is kept apart."""
    sworn = done.get(HASHES, {})
    kept = {"checkpoint": sworn[CHECKPOINT]} if CHECKPOINT in sworn else {}
    return {**done, **kept, HASHES: {name: _hash(files[name]) for name in sworn if name in files}}


def _hash(source: Path | bytes) -> str:
    return sha256(source) if isinstance(source, Path) else hashlib.sha256(source).hexdigest()


def _of_experiment(evidence: Evidence, folders: Sequence[Path], contents: Contents) -> Files:
    """What belongs to no run alone: grid, certificate of folds, what the images are, covariates that are asked for."""
    expected = [record for record in read_grids(folders) if record.experiment == evidence.experiment]
    grid = [asdict(record) for record in expected if fnmatch(name_of(record), contents.only)]
    cohort = find_cohort(evidence)
    files: Files = {GRID: _json(grid)} if grid else {}
    if certificate := _certificate(evidence, cohort):
        files[PACKED] = certificate
    if cohort is not None:
        files[IMAGES] = _json(asdict(images_of(cohort)))
    for name in (ABOUT, READING):
        for path in _said(evidence, name):
            files[name] = path
    if contents.covariates:
        files[COVARIATES] = _covariates(evidence, cohort, contents.covariates)
    return {f"{evidence.experiment}/{name}": file for name, file in files.items()}


def _said(evidence: Evidence, name: str) -> list[Path]:
    """What is said beside the grid; of several folders of one experiment they would contradict each other in a pack.

    Raises:
        ValueError: If folders say different things.
    """
    found = [place / name for place in evidence.places if (place / name).is_file()]
    if len({path.read_bytes() for path in found}) > 1:
        listed = ", ".join(map(str, found))
        raise ValueError(f"{listed}: say different things of '{evidence.experiment}'. Pack these folders apart.")
    return found


def _certificate(evidence: Evidence, cohort: Cohort | None) -> Path | None:
    """The certificate of the folds, where the cohort still has it."""
    if cohort is None:
        return None
    data = evidence.runs[0].folder.read_config()["data"]
    path = splits_path(cohort.path, int(data["folds"]), int(data.get("split_seed", 0))).with_suffix(".json")
    return path if path.is_file() else None


def _covariates(evidence: Evidence, cohort: Cohort | None, names: Sequence[str]) -> bytes:
    if cohort is None:
        raise ValueError(f"{evidence.experiment}: covariates are in the cohort, which isn't where the runs found it.")
    subjects = [cohort.subjects[name] for name in sorted(cohort.subjects)]
    known = {name for subject in subjects for name in subject.covariates}
    if unknown := [name for name in names if name not in known]:
        listed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"Covariate {', '.join(unknown)} isn't known: the cohort has {listed}.")
    rows = [{"subject": one.id, **{name: one.covariates.get(name, "") for name in names}} for one in subjects]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def _write(output: Path, files: Files, by: str, runs: int) -> Packed:
    with atomic_path(output) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        known = {name: _add(archive, name, files[name]) for name in sorted(files)}
        index = {"format": FORMAT, "by": by, "petmr-bench": version("petmr-bench"), "files": known}
        _add(archive, INDEX, _json(index))
    size = sum(int(entry["size"]) for entry in known.values())
    return Packed(runs, len(files), size, digest(index))


def _add(archive: zipfile.ZipFile, name: str, source: Path | bytes) -> dict[str, str | int]:
    """Write a file, and give its hash and size as written."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system, entry.external_attr = UNIX, READABLE
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".gz") else zipfile.ZIP_DEFLATED
    hashed, size = hashlib.sha256(), 0
    opened = source.open("rb") if isinstance(source, Path) else BytesIO(source)
    with opened as file, archive.open(entry, "w", force_zip64=True) as written:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
            size += written.write(chunk)
    return {"sha256": hashed.hexdigest(), "size": size}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
